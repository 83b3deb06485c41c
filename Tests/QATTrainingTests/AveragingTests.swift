import CVectorKernels
import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATTraining

@Suite("Clipped gradients and averaged weights")
struct AveragingTests {
  private func network() -> Graph {
    var b = NetworkBuilder(name: "net", input: [1, 8, 8], seed: 2)
    let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 8, kernel: 3, pad: 1), "bn"), "relu")
    let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
    return b.graph(output: scores)
  }

  private func configuration(steps: Int, _ edit: (inout RunConfiguration) -> Void) -> RunConfiguration {
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs, configuration.maxSteps) = (16, 4, steps)
    configuration.optimizer.baseLearningRate = 0.1
    configuration.optimizer.schedule.kind = .constant
    edit(&configuration)
    return configuration
  }

  /// What a callback has seen after each step.
  private final class Watcher: TrainingCallback {
    var values: [[Float]] = []
    func stepEnded(_ report: StepReport, _ trainer: Trainer) {
      values.append(Array(trainer.task.state.parameters.elements) + Array(trainer.task.state.statistics.elements))
    }
  }

  private func train(
    _ configuration: RunConfiguration, folder: String? = nil, resuming: Bool = false, callbacks: [any TrainingCallback] = []
  ) throws -> (trainer: Trainer, result: TrainingResult) {
    let graph = network()
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let directory = folder.map { CheckpointDirectory($0) }
    try directory?.prepare()
    let identity = RunIdentity(model: graph, configuration: configuration, dataset: data)
    var task = Trainer.Task(
      graph: graph, state: try ModelState(graph), training: data, validation: try openDataset("synthetic:1,8,8,4,60", split: .test),
      configuration: configuration, directory: directory, identity: identity)
    task.callbacks = callbacks
    let checkpoint = resuming ? try directory?.load(.latest, identity: identity)?.checkpoint : nil
    let trainer = try Trainer(task, communicator: SingleProcess(), resuming: checkpoint, showsProgress: false)
    return (trainer, try trainer.run())
  }

  @Test("the average is d · average + (1 − d) · value after every step, what is evaluated and exported")
  func average() throws {
    let watcher = Watcher()
    let start = try ModelState(network())
    let (trainer, result) = try train(configuration(steps: 7) { $0.optimizer.averageDecay = 0.5 }, callbacks: [watcher])
    var expected = Array(start.parameters.elements) + Array(start.statistics.elements)
    for (index, values) in watcher.values.enumerated() {
      let keep = Float(min(0.5, Double(2 + index) / Double(11 + index)))
      for place in expected.indices { expected[place] = keep * expected[place] + (1 - keep) * values[place] }
    }
    let exported = try trainer.trainedGraph()
    let averaged = try ModelState(exported)
    #expect(Array(averaged.parameters.elements) + Array(averaged.statistics.elements) == expected)
    // The state itself holds the values of the last step.
    #expect(Array(trainer.task.state.parameters.elements) == Array(try #require(watcher.values.last)[..<start.parameters.count]))
    let again = try evaluate(
      exported, dataset: try openDataset("synthetic:1,8,8,4,60", split: .test), preprocessing: Preprocessing(), batchSize: 16,
      communicator: SingleProcess())
    #expect(result.evaluation == again)
  }

  @Test("a run that is stopped and goes on has the same bytes, and its model file holds the average", arguments: [3, 10])
  func resume(stop: Int) throws {
    let (whole, parts) = (TemporaryFolder(), TemporaryFolder())
    func run(_ steps: Int) -> RunConfiguration {
      configuration(steps: steps) {
        $0.optimizer.averageDecay = 0.9
        $0.optimizer.maxGradientNorm = 0.5
        ($0.data.augment.mixup, $0.data.augment.cutmix) = (0.4, 1)
      }
    }
    let (trainer, result) = try train(run(14), folder: whole.path)
    _ = try train(run(stop), folder: parts.path)
    let (_, resumed) = try train(run(14), folder: parts.path, resuming: true)
    let (first, second) = (
      try CheckpointDirectory.read(try #require(result.checkpoint)), try CheckpointDirectory.read(try #require(resumed.checkpoint))
    )
    #expect(first.model == second.model && first.optimizer == second.optimizer)
    let exported = try trainer.trainedGraph()
    #expect(first.model.allSatisfy { exported.constants[$0.key]?.tensor == $0.value })
    #expect(first.model != trainer.task.state.tensors())
  }

  @Test("a gradient longer than the limit is shortened to it, a shorter one stays", arguments: [0.01, 0.5, 1e6])
  func clipping(limit: Double) throws {
    let state = try ModelState(network())
    let values = state.gradients.indices.map { Float(sin(Double($0))) }
    _ = state.gradients.update(fromContentsOf: values)
    let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let found = try GradientClipping(of: state).apply(limit: limit)
    #expect(abs(found / norm - 1) < 1e-12)
    let factor = Float(min(1, limit / (norm + 1e-6)))
    #expect(zip(state.gradients, values).allSatisfy { $0 == (factor < 1 ? $1 * factor : $1) })
  }

  @Test("what is not trained does not count for the norm: its gradient is zero")
  func resting() throws {
    let graph = network()
    let state = try ModelState(graph)
    state.gradients.update(repeating: 1)
    var frozen = graph
    frozen.constants["conv.weight"]?.role = .fixed
    let plan = try Plan(frozen, state: state, batchSize: 2, mode: .training)
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: (0..<128).map { Float($0 % 7) })
    plan.forward()
    let loss = try CrossEntropy(of: graph)
    _ = [Int32](0...1).withUnsafeBufferPointer { loss.evaluate(plan, targets: BatchTargets(classes: $0), scale: 0.5) }
    plan.backward { _ in }
    let slot = try #require(state.parameterSlots.first { $0.name == "conv.weight" })
    #expect(state.gradients[slot.range].allSatisfy { $0 == 0 } && state.gradients.contains { $0 != 0 })
    let moving = state.gradients.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(try abs(GradientClipping(of: state).apply(limit: 1e6) / moving - 1) < 1e-12)
  }
  @Test("squares are added along one balanced tree, so that whole subtrees may be added apart", arguments: [1, 15, 16, 17, 100, 1000, 4096, 4099])
  func tree(count: Int) {
    let values = (0..<count).map { Float(sin(Double($0 * $0 + 1))) }
    func squares(_ range: Range<Int>) -> Double { values[range].withUnsafeBufferPointer { qat_sum_of_squares($0.baseAddress, $0.count) } }
    func sum(_ start: Int, _ size: Int) -> Double {
      guard size > 16, start + size / 2 < count else { return size > 16 ? sum(start, size / 2) : squares(start..<min(start + size, count)) }
      return sum(start, size / 2) + sum(start + size / 2, size / 2)
    }
    #expect(sum(0, 8192) == squares(0..<count))
    #expect(abs(squares(0..<count) / values.reduce(0.0) { $0 + Double($1) * Double($1) } - 1) < 1e-13)
  }
}
