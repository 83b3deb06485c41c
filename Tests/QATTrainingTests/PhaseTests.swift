import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@testable import QATTraining

/// Runs whose network changes from epoch to epoch: stages of quantization, and what freezes.
@Suite("Phases of a run")
struct PhaseTests {
  private let data = "synthetic:1,8,8,4,64"

  private func network() -> Graph {
    var b = NetworkBuilder(name: "small", input: [1, 8, 8], seed: 2)
    var x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1), "bn1"), "relu1")
    x = b.relu(b.batchNormalization(b.convolution(x, "conv2", channels: 16, kernel: 3, stride: 2, pad: 1), "bn2"), "relu2")
    let features = b.flatten(b.globalAveragePool(x, "gap"), "flatten")
    let scores = b.linear(features, "fc", features: 4)
    return b.graph(output: scores)
  }

  /// Four steps an epoch.
  private func configuration(_ edit: (inout RunConfiguration) -> Void = { _ in }) -> RunConfiguration {
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs, configuration.seed) = (16, 3, 5)
    configuration.optimizer.baseLearningRate = 0.05
    configuration.optimizer.schedule.kind = .constant
    configuration.nncf.quantization = QuantizationConfiguration()
    configuration.nncf.quantization?.batchNormAdaptationSampleCount = 32
    configuration.nncf.quantization?.range = .everywhere(.init(.mixedMinMax, sampleCount: 32))
    edit(&configuration)
    return configuration
  }

  private func staged(activations: Int, weights: Int, _ edit: @escaping (inout RunConfiguration) -> Void = { _ in }) -> RunConfiguration {
    configuration {
      var stages = QuantizationStages()
      (stages.activationsStartEpoch, stages.weightsStartEpoch) = (activations, weights)
      $0.nncf.quantization?.stages = stages
      edit(&$0)
    }
  }

  private func trainer(
    _ configuration: RunConfiguration, in folder: String? = nil, resuming: Bool = false, frozen: [String] = [],
    _ edit: (inout Trainer.Task) -> Void = { _ in }
  ) throws -> Trainer {
    let source = try network().freezing(frozen)
    let samples = try openDataset(data, split: .train)
    let directory = folder.map { CheckpointDirectory($0) }
    try directory?.prepare()
    let checkpoint = resuming ? try directory?.load(.latest)?.checkpoint : nil
    let calibration = try CalibrationSource(dataset: samples, preprocessing: Preprocessing(), count: 32, seed: 1)
    let controller = try createCompressedModel(
      source, configuration.nncf, calibration: calibration, communicator: SingleProcess(), compressionState: checkpoint?.state.compression)
    var task = Trainer.Task(
      graph: controller.graph, state: try ModelState(controller.graph), training: samples, validation: samples, configuration: configuration,
      controller: controller, directory: directory, identity: RunIdentity(model: source, configuration: configuration, dataset: samples))
    edit(&task)
    return try Trainer(task, communicator: SingleProcess(), resuming: checkpoint, showsProgress: false)
  }

  private func values(_ trainer: Trainer) -> [TensorName: Tensor] { trainer.task.state.tensors() }

  private func quantizers(_ values: [TensorName: Tensor], _ part: String = "|") -> [TensorName: Tensor] { values.filter { $0.key.contains(part) } }

  @Test("a quantizer whose stage has not begun passes on what it reads and is not trained")
  func beforeItsStage() throws {
    let late = try trainer(staged(activations: 9, weights: 9))
    let before = values(late)
    _ = try late.run()
    let after = values(late)
    #expect(late.task.controller?.compressionStage == .uncompressed)
    #expect(quantizers(before) == quantizers(after))
    #expect(try late.trainedGraph().nodes.count { $0.op is FakeQuantize } == 0)
    // The same steps as without any quantizer, from the same statistics of batch norm.
    let graph = network()
    let plain = configuration { $0.nncf.quantization = nil }
    let samples = try openDataset(data, split: .train)
    let state = try ModelState(graph)
    state.load(before)
    _ = try Trainer(
      .init(
        graph: graph, state: state, training: samples, validation: nil, configuration: plain,
        identity: RunIdentity(model: graph, configuration: plain, dataset: samples)), communicator: SingleProcess(), showsProgress: false
    ).run()
    for (name, tensor) in state.tensors() { #expect(after[name] == tensor, "\(name)") }
  }

  @Test("stages begin in their epochs, with ranges from the weights as they are then")
  func stagesBegin() throws {
    for (steps, stage, kinds) in [(4, CompressionStage.uncompressed, 0), (8, .partiallyCompressed, 1), (12, .fullyCompressed, 2)] {
      let run = try trainer(staged(activations: 1, weights: 2) { $0.maxSteps = steps })
      let start = values(run)
      _ = try run.run()
      let state = try #require(run.task.controller?.compressionState)
      #expect(state.stage == stage && state.scheduler.currentEpoch == steps / 4 - 1)
      let ids = try run.trainedGraph().nodes.filter { $0.op is FakeQuantize }.map(\.name)
      #expect(ids.contains { $0.hasSuffix("|WEIGHT") } == (kinds == 2))
      #expect(ids.contains { !$0.hasSuffix("|WEIGHT") } == (kinds >= 1))
      // Weights' ranges are found anew with the first stage already, though they are at work only from the second on.
      #expect((quantizers(start, "|WEIGHT") == quantizers(values(run), "|WEIGHT")) == (kinds == 0))
    }
  }

  @Test("resuming in and between stages gives the bytes of not stopping", arguments: [3, 4, 6, 8, 10])
  func resume(_ steps: Int) throws {
    let (whole, parts) = (TemporaryFolder(), TemporaryFolder())
    func configured(_ maxSteps: Int?) -> RunConfiguration {
      staged(activations: 1, weights: 2) {
        $0.optimizer = OptimizerConfiguration(.adam)
        $0.optimizer.weightDecay = 0.01
        $0.optimizer.weightDecayEndEpoch = 1
        ($0.batchNormUpdateEpochs, $0.observerUpdateEpochs, $0.maxSteps) = (2, 2, maxSteps)
      }
    }
    _ = try trainer(configured(nil), in: whole.path).run()
    _ = try trainer(configured(steps), in: parts.path).run()
    _ = try trainer(configured(nil), in: parts.path, resuming: true).run()
    let step = "step-000000012"
    for file in ["model.safetensors", "optimizer.safetensors", "state.json"] {
      let bytes = try [whole, parts].map { try Data(contentsOf: URL(fileURLWithPath: "\($0.path)/\(step)/\(file)")) }
      #expect(bytes[0] == bytes[1], "\(file)")
    }
  }

  @Test("statistics of batch norm and ranges of quantizers freeze after their epochs", arguments: [(nil, 1), (1, nil), (1, 1)] as [(Int?, Int?)])
  func freezing(statistics: Int?, ranges: Int?) throws {
    func run(_ steps: Int) throws -> [TensorName: Tensor] {
      let run = try trainer(
        configuration { ($0.batchNormUpdateEpochs, $0.observerUpdateEpochs, $0.maxSteps, $0.optimizer.momentum) = (statistics, ranges, steps, 0.9) })
      _ = try run.run()
      return values(run)
    }
    let (early, late) = (try run(4), try run(12))
    #expect((quantizers(early) == quantizers(late)) == (ranges != nil))
    let running = [early, late].map { $0.filter { $0.key.contains("running") } }
    #expect(!running[0].isEmpty && (running[0] == running[1]) == (statistics != nil))
    #expect(early["conv1.weight"] != late["conv1.weight"] && early["bn1.weight"] != late["bn1.weight"])
  }

  @Test("frozen layers stay what they were, and are warned of")
  func frozenLayers() throws {
    let run = try trainer(configuration(), frozen: ["{re}^conv1$"])
    let start = network()
    _ = try run.run()
    #expect(run.task.controller?.warnings.contains { $0.contains("the weights of 'conv1' are quantized, but frozen") } == true)
    let trained = try run.trainedGraph()
    #expect(trained.constants["conv1.weight"]?.tensor == start.constants["conv1.weight"]?.tensor)
    #expect(trained.constants["conv2.weight"]?.tensor != start.constants["conv2.weight"]?.tensor)
    #expect { try network().freezing(["conv9"]) } throws: { "\($0)".contains("'conv9' matches no node with parameters; nearest: 'conv") }
  }

  @Test("frozen layers with fewer than 8 bits are refused")
  func frozenLowBits() throws {
    let narrow = configuration {
      $0.nncf.targetDevice = .trial
      $0.nncf.quantization?.weights.demands.bits = 4
    }
    let chosen = configuration { $0.nncf.quantization?.precision = QuantizationConfiguration.PrecisionInitializer() }
    #expect { try trainer(chosen, frozen: ["conv1"]) } throws: { "\($0)".contains("cannot go with \"precision\"") }
    #expect { try trainer(narrow, frozen: ["conv1"]) } throws: {
      "\($0)".contains("the weights of 'conv1' are frozen, which only quantizers of 8 bits allow")
    }
  }

  @Test("an optimizer leaves frozen parameters alone, at any place of its share")
  func movingPieces() throws {
    let share = ParameterShare([2..<6, 10..<20])
    #expect(share.pieces(without: []) == share.pieces)
    #expect(
      share.pieces(without: [4..<11, 15..<16]) == [
        .init(range: 2..<4, offset: 0), .init(range: 11..<15, offset: 5), .init(range: 16..<20, offset: 10),
      ])
    #expect(share.pieces(without: [0..<30]).isEmpty)
  }

  @Test("the rate falls from its epoch on, in its epochs")
  func polynomialDrop() {
    let schedule = LearningRateSchedule(baseRate: 1, shape: .polynomial(start: 4, total: 4, power: 2, minimum: 0))
    #expect((0..<10).map(schedule.rate) == [1, 1, 1, 1, 1, 0.5625, 0.25, 0.0625, 0, 0])
    var optimizer = OptimizerConfiguration(.sgd)
    optimizer.weightDecayEndEpoch = 2
    #expect((0..<4).map(optimizer.weightDecay) == [1e-4, 1e-4, 0, 0])
  }

  @Test("a run ends where it has reached its goal, with the best network of the run, and stays there", arguments: [-1, nil, 2] as [Double?])
  func goal(uncompressed: Double?) throws {
    let folder = TemporaryFolder()
    let configuration = configuration { $0.optimizer.baseLearningRate = 0.01 }
    // The accuracy of a run that nothing ends early; by default the goal is its best one.
    let whole = try trainer(configuration)
    _ = try whole.run()
    let reached = whole.history.map(\.evaluation.top1)
    let goal = try uncompressed ?? #require(reached.max())
    func run(resuming: Bool) throws -> (trainer: Trainer, result: TrainingResult) {
      let trainer = try trainer(configuration, in: folder.path, resuming: resuming) {
        $0.goal = AccuracyGoal(AccuracyAwareTraining(relative: 0, epochs: 3), uncompressed: goal)
      }
      return (trainer, try trainer.run())
    }
    let first = try run(resuming: false)
    let initial = try #require(first.trainer.initialTop1)
    let epochs = initial >= goal ? 0 : (reached.firstIndex { $0 >= goal } ?? 2) + 1
    #expect(first.result.steps == 4 * epochs)
    #expect(try CheckpointDirectory(folder.path).load(.latest)?.checkpoint.state.step == 4 * epochs)
    let second = try run(resuming: true)
    #expect(second.result.steps == 4 * epochs)
    let restored = try first.trainer.restoreBest()
    if let best = first.result.best { #expect(restored.map { $0.top1 == best.top1 } ?? (best.step == first.result.steps)) }
    _ = try second.trainer.restoreBest()
    #expect(values(first.trainer) == values(second.trainer))
  }

  @Test("a budget is in percent of the accuracy or in points")
  func budgets() {
    #expect(abs(AccuracyAwareTraining(relative: 10, epochs: 1).minimum(uncompressed: 0.8) - 0.72) < 1e-12)
    #expect(abs(AccuracyAwareTraining(absolute: 1, epochs: 1).minimum(uncompressed: 0.8) - 0.79) < 1e-12)
  }

  @Test("of two evaluations the one with more quantizers at work is the better one")
  func bestStage() {
    let early = TrainingState.Best(step: 1, top1: 0.9, stage: .partiallyCompressed)
    let late = TrainingState.Best(step: 2, top1: 0.8, stage: .fullyCompressed)
    #expect(late.isBetter(than: early) && !early.isBetter(than: late) && early.isBetter(than: nil))
    #expect(!late.isBetter(than: late))
  }
}
