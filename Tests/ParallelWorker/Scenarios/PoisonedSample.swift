import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Trains for an epoch on data with samples that are not numbers. Arguments: how many samples from the first on are poisoned, and how many such steps in a row end
/// the run. Prints what the run came to, and a fingerprint of the parameters.
@Sendable func poisonedSampleScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 2, let count = Int(arguments[0]), let limit = Int(arguments[1]) else { throw ScenarioError("count, limit") }
  var b = NetworkBuilder(name: "poisoned", input: [1, 8, 8], seed: 3)
  let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 16, kernel: 3, pad: 1), "bn"), "relu")
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  let graph = b.graph(output: scores)
  var configuration = RunConfiguration()
  configuration.batchSize = 8
  configuration.epochs = 1
  configuration.maxNonFiniteSteps = limit
  configuration.optimizer.baseLearningRate = 0.05
  let data = PoisonedDataset(wrapped: try openDataset("synthetic:1,8,8,4,160", split: .train), poisoned: 0..<count)
  let state = try ModelState(graph)
  let trainer = try Trainer(
    .init(
      graph: graph, state: state, training: data, validation: try openDataset("synthetic:1,8,8,4,50", split: .test), configuration: configuration,
      identity: RunIdentity(model: graph, configuration: configuration, dataset: data)), communicator: communicator, showsProgress: true)
  let result = try trainer.run()
  let isFinite = state.tensors().values.allSatisfy { $0.floats?.allSatisfy(\.isFinite) == true }
  communicator.say("\(result.steps) steps, \(result.skippedSteps) skipped, finite \(isFinite), evaluated \(result.evaluation?.loss.isFinite == true)")
  let values = try communicator.allgather(Array(state.parameters.elements).withUnsafeBytes { Array($0) })
  communicator.say("\(Set(values).count) different parameters")
}

/// Another data set, some of whose samples are not numbers.
private struct PoisonedDataset: Dataset {
  let wrapped: any Dataset
  let poisoned: Range<Int>

  var name: String { wrapped.name }
  var count: Int { wrapped.count }
  var inputs: [SampleInput] { wrapped.inputs }
  var target: SampleTarget { wrapped.target }
  var contentHash: UInt64 { wrapped.contentHash }
  func classLabel(at index: Int) -> Int32? { wrapped.classLabel(at: index) }

  func read(_ index: Int, into sample: Sample) throws {
    try wrapped.read(index, into: sample)
    if poisoned.contains(index) { sample.input(0)[5] = .nan }
  }
}
