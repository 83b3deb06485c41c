import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATTraining

/// A folder that is removed with its owner.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("qat-training-\(UUID().uuidString)").path
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("The trainer")
struct TrainerTests {
  private func configuration(epochs: Int = 2, _ edit: (inout RunConfiguration) -> Void = { _ in }) -> RunConfiguration {
    var configuration = RunConfiguration()
    configuration.batchSize = 16
    configuration.epochs = epochs
    configuration.seed = 5
    configuration.optimizer.baseLearningRate = 0.05
    configuration.data.augment.flip = true
    configuration.data.augment.cropPadding = 1
    edit(&configuration)
    return configuration
  }

  /// Convolutions, batch norm and dropout: everything that has state or randomness.
  private func network() -> Graph {
    var b = NetworkBuilder(name: "small", input: [1, 8, 8], seed: 2)
    var x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1), "bn1"), "relu1")
    x = b.relu(b.batchNormalization(b.convolution(x, "conv2", channels: 16, kernel: 3, stride: 2, pad: 1), "bn2"), "relu2")
    x = b.dropout(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "dropout", ratio: 0.2)
    let scores = b.linear(x, "fc", features: 4)
    return b.graph(output: scores)
  }

  private func trainer(_ configuration: RunConfiguration, in folder: String?, resuming: Bool = false) throws -> Trainer {
    let graph = network()
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let identity = RunIdentity(model: graph, configuration: configuration, dataset: data)
    let directory = folder.map { CheckpointDirectory($0) }
    try directory?.prepare()
    let checkpoint = resuming ? try directory?.load(.latest, identity: identity)?.checkpoint : nil
    return try Trainer(
      .init(
        graph: graph, state: try ModelState(graph), training: data, validation: try openDataset("synthetic:1,8,8,4,100", split: .test),
        configuration: configuration, directory: directory, identity: identity), communicator: SingleProcess(), resuming: checkpoint,
      showsProgress: false)
  }

  /// Every file of the newest checkpoint.
  private func files(_ folder: String) throws -> [String: Data] {
    let newest = try #require(CheckpointDirectory(folder).candidates.first)
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(newest)")
    return try Dictionary(
      uniqueKeysWithValues: names.map { ("\(newest)/\($0)", try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(newest)/\($0)"))) })
  }

  @Test("learns")
  func learns() throws {
    let result = try trainer(configuration(epochs: 15) { $0.optimizer.baseLearningRate = 0.1 }, in: nil).run()
    let evaluation = try #require(result.evaluation)
    #expect(result.steps == 150)
    #expect(evaluation.top1 > 0.9, "top-1 is \(evaluation.top1), chance is 0.25")
    #expect(evaluation.count == 100)
    #expect(result.stop == nil && result.imagesPerSecond > 0)
  }

  @Test("the same seed gives the same bytes, another seed other ones")
  func reproducible() throws {
    let (a, b, c) = (TemporaryFolder(), TemporaryFolder(), TemporaryFolder())
    for (folder, seed) in [(a, UInt64(5)), (b, 5), (c, 6)] { _ = try trainer(configuration { $0.seed = seed }, in: folder.path).run() }
    #expect(try files(a.path) == files(b.path))
    #expect(try files(a.path) != files(c.path))
  }

  @Test("resuming gives the bytes of not stopping, in the middle of an epoch and between epochs", arguments: [3, 10, 13, 17])
  func resume(_ steps: Int) throws {
    let (whole, parts) = (TemporaryFolder(), TemporaryFolder())
    for kind in OptimizerConfiguration.Kind.allCases {
      func configured(_ maxSteps: Int?) -> RunConfiguration {
        configuration {
          $0.optimizer = OptimizerConfiguration(kind)
          $0.optimizer.baseLearningRate = 0.01
          $0.maxSteps = maxSteps
        }
      }
      let (whole, parts) = (whole.path + "/\(kind)", parts.path + "/\(kind)")
      _ = try trainer(configured(nil), in: whole).run()
      // The schedule follows epochs, so a run that is cut short walks the same way.
      let cut = try trainer(configured(steps), in: parts).run()
      #expect(cut.steps == steps)
      let rest = try trainer(configured(nil), in: parts, resuming: true).run()
      #expect(rest.steps == 20)
      #expect(try files(whole) == files(parts), "\(kind)")
      let metrics = try ["\(whole)", "\(parts)"].map { folder in
        try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8).split(separator: "\n").filter { !$0.contains("validation") }.count
      }
      #expect(metrics == [20, 20])
    }
  }

  @Test("a checkpoint of another batch size or network is refused with both values")
  func mismatches() throws {
    let folder = TemporaryFolder()
    _ = try trainer(configuration { $0.maxSteps = 1 }, in: folder.path).run()
    let checkpoint = try #require(try CheckpointDirectory(folder.path).load(.latest)).checkpoint
    let graph = network()
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let identity = RunIdentity(model: graph, configuration: configuration(), dataset: data)
    func resume(_ graph: Graph, _ configuration: RunConfiguration) throws {
      _ = try Trainer(
        .init(graph: graph, state: try ModelState(graph), training: data, validation: nil, configuration: configuration, identity: identity),
        communicator: SingleProcess(), resuming: checkpoint, showsProgress: false)
    }
    #expect { try resume(graph, configuration { $0.batchSize = 8 }) } throws: { error in
      "\(error)".contains("16 samples a step, this run has 8") && (error as? TrainingError)?.kind == .mismatch
    }
    var other = NetworkBuilder(name: "other", input: [1, 8, 8], seed: 2)
    let flat = other.flatten(other.input, "flatten")
    let linear = other.linear(flat, "fc", features: 4)
    #expect { try resume(other.graph(output: linear), configuration()) } throws: { error in
      "\(error)".contains("'fc.weight'") && "\(error)".contains("'conv1.weight' is not a tensor of this network")
    }
  }

  @Test("another batch size goes on at the same sample when that is allowed, and ends with the same epoch")
  func allowedBatchSize() throws {
    let folder = TemporaryFolder()
    _ = try trainer(configuration { $0.maxSteps = 5 }, in: folder.path).run()
    let checkpoint = try #require(try CheckpointDirectory(folder.path).load(.latest)).checkpoint
    let graph = network()
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let changed = configuration { $0.batchSize = 8 }
    var task = Trainer.Task(
      graph: graph, state: try ModelState(graph), training: data, validation: nil, configuration: changed,
      identity: RunIdentity(model: graph, configuration: changed, dataset: data))
    task.allowed = [.batchSize]
    let trainer = try Trainer(task, communicator: SingleProcess(), resuming: checkpoint, showsProgress: false)
    // 5 steps of 16, then what is left of two epochs of 160: 240 samples in steps of 8.
    #expect(try trainer.run().steps == 5 + 30)
    #expect(trainer.position == DataPosition(epoch: 2, position: 0))
  }

  /// The scores are 0, but the gradient of the first weight is a product that overflows: 1e20 of the samples times 1e30 of the second weight.
  private func overflowingGradient() -> Graph {
    let identity = (0..<16).map { $0 % 5 == 0 ? Float(1e30) : 0 }
    return Graph(
      name: "overflowing", inputs: [.init(name: "pixels", type: TensorType([.batch, .fixed(1), .fixed(8), .fixed(8)]))], outputs: ["scores"],
      nodes: [
        Node(name: "flatten", op: Flatten(axis: 1), inputs: ["pixels"], outputs: ["flat"]),
        Node(name: "scale", op: Mul(), inputs: ["flat", "factor"], outputs: ["x"]),
        Node(name: "fc1", op: Gemm(transposesB: true), inputs: ["x", "fc1.weight"], outputs: ["hidden"]),
        Node(name: "fc2", op: Gemm(transposesB: true), inputs: ["hidden", "fc2.weight"], outputs: ["scores"]),
      ],
      constants: [
        "factor": .init(Tensor([1e20], shape: [1]), .fixed), "fc1.weight": .init(Tensor(repeating: 0, shape: [4, 64]), .parameter),
        "fc2.weight": .init(Tensor(identity, shape: [4, 4]), .parameter),
      ])
  }

  @Test("a gradient that is not finite under a finite loss skips the step: nothing changes but the counters")
  func skippedSteps() throws {
    let folder = TemporaryFolder()
    let graph = overflowingGradient()
    let state = try ModelState(graph)
    let before = state.tensors()
    let configuration = configuration(epochs: 1) { $0.maxSteps = 3 }
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let directory = CheckpointDirectory(folder.path)
    try directory.prepare()
    func task(_ configuration: RunConfiguration) throws -> Trainer.Task {
      .init(
        graph: graph, state: state, training: data, validation: nil, configuration: configuration, directory: directory,
        identity: RunIdentity(model: graph, configuration: configuration, dataset: data))
    }
    let result = try Trainer(task(configuration), communicator: SingleProcess(), showsProgress: false).run()
    #expect(result.steps == 3 && result.skippedSteps == 3)
    #expect(state.tensors() == before)
    let saved = try #require(try directory.load(.latest)).checkpoint
    #expect(saved.state.step == 3 && saved.state.optimizerStep == 0 && saved.state.position == 48 && saved.state.skipped.inARow == 3)
    #expect(saved.optimizer.values.allSatisfy { $0.floats?.allSatisfy { $0 == 0 } == true })
    // Going on counts on: the fifth in a row ends the run, whose last checkpoint stays.
    var bounded = configuration
    bounded.maxSteps = nil
    bounded.maxNonFiniteSteps = 5
    #expect { try Trainer(task(bounded), communicator: SingleProcess(), resuming: saved, showsProgress: false).run() } throws: { error in
      let text = "\(error)"
      return (error as? TrainingError)?.kind == .numerical && text.contains("step 5 cannot be made, like the 4 before it")
        && text.contains("the gradient of 'fc1.weight' is not finite") && text.contains("samples at 64 to 79 of epoch 1")
    }
  }

  @Test("a loss that is not finite again and again ends the run, naming the cause, and leaves the last checkpoint")
  func divergence() throws {
    let folder = TemporaryFolder()
    let configuration = configuration {
      $0.optimizer.baseLearningRate = 1e30
      $0.checkpoint.every = 1
    }
    let trainer = try trainer(configuration, in: folder.path)
    #expect { try trainer.run() } throws: { error in
      (error as? TrainingError)?.kind == .numerical && "\(error)".contains("diverged")
    }
    #expect(try CheckpointDirectory(folder.path).candidates.count >= 1)
  }

  @Test("parameters that are no longer finite are never saved, even when the loss still is")
  func overflowingUpdate() throws {
    let folder = TemporaryFolder()
    let configuration = configuration {
      $0.optimizer.baseLearningRate = 1e38
      $0.optimizer.schedule.kind = .constant
      $0.optimizer.momentum = 0.99
      $0.checkpoint.every = 1
    }
    #expect { try trainer(configuration, in: folder.path).run() } throws: { ($0 as? TrainingError)?.kind == .numerical }
    let directory = CheckpointDirectory(folder.path)
    for name in try directory.candidates {
      let saved = try CheckpointDirectory.read("\(folder.path)/\(name)").model
      #expect(saved.allSatisfy { name, tensor in name.contains("running") || tensor.floats?.allSatisfy(\.isFinite) == true })
    }
  }

  @Test("data of another shape, or with more classes than the network has, is refused with both")
  func unfitData() throws {
    let graph = network()
    for (path, complaint) in [("synthetic:3,8,8,4,20", "[3, 8, 8]"), ("synthetic:1,8,9,4,20", "[1, 8, 9]"), ("synthetic:1,8,8,9,200", "0 to 3")] {
      let data = try openDataset(path, split: .test)
      #expect { try evaluate(graph, dataset: data, preprocessing: Preprocessing(), communicator: SingleProcess()) } throws: {
        "\($0)".contains(complaint)
      }
      let identity = RunIdentity(model: graph, configuration: configuration(), dataset: data)
      #expect {
        try Trainer(
          .init(graph: graph, state: ModelState(graph), training: data, validation: nil, configuration: configuration(), identity: identity),
          communicator: SingleProcess(), showsProgress: false)
      } throws: { "\($0)".contains(complaint) }
    }
  }

  @Test("evaluation counts every sample once, whatever the batch size", arguments: [1, 7, 64, 1000])
  func evaluation(_ batchSize: Int) throws {
    let graph = network()
    let data = try openDataset("synthetic:1,8,8,4,100", split: .test)
    func run(_ batchSize: Int) throws -> Evaluation {
      try evaluate(graph, dataset: data, preprocessing: Preprocessing(), batchSize: batchSize, communicator: SingleProcess())
    }
    let (found, expected) = (try run(batchSize), try run(100))
    #expect(found.count == 100 && found.top1 == expected.top1 && found.top5 == 1)
    #expect(abs(found.loss - expected.loss) < 1e-6)
  }
}
