import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATTensor
import QATTraining

/// Makes one step of 16 samples in which every part's gradients are finite. Arguments: how they are exchanged, and the greatest element of their sum in units of the
/// largest float32. Prints what the run came to, and whether its parameters are the same on all ranks.
@Sendable func overflowingSumScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 2, let size = Float(arguments[1]) else { throw ScenarioError("exchange, size") }
  var configuration = RunConfiguration()
  configuration.batchSize = 8
  configuration.epochs = 1
  configuration.maxSteps = 1
  configuration.optimizer.baseLearningRate = 1e-30
  switch arguments[0] {
  case "library": break
  case "tree": configuration.reproducibleShards = 2
  case "sharded": configuration.optimizer.isSharded = true
  case "bfloat16": configuration.gradientPrecision = .bfloat16
  case "accumulated": configuration.accumulationSteps = 2
  default: throw ScenarioError("no exchange is called \(arguments[0])")
  }
  let data = EqualDataset()
  // The gradient of a first weight over all samples: 3/4, because one of four classes is right, times 1e19 of the samples times the second weight.
  let graph = steepGraph(slope: size * (.greatestFiniteMagnitude / 1e19 / 0.75))
  let state = try ModelState(graph)
  let trainer = try Trainer(
    .init(
      graph: graph, state: state, training: data, validation: nil, configuration: configuration,
      identity: RunIdentity(model: graph, configuration: configuration, dataset: data)), communicator: communicator, showsProgress: true)
  let result = try trainer.run()
  let isFinite = state.tensors().values.allSatisfy { $0.floats?.allSatisfy(\.isFinite) == true }
  communicator.say("\(result.steps) steps, \(result.skippedSteps) skipped, finite \(isFinite)")
  let values = try communicator.allgather(Array(state.parameters.elements).withUnsafeBytes { Array($0) })
  communicator.say("\(Set(values).count) different parameters")
}

/// scores = slope · (first weight · 1e19 · pixels): with a first weight of 0 the loss is that of guessing.
private func steepGraph(slope: Float) -> Graph {
  Graph(
    name: "steep", inputs: [.init(name: "pixels", type: TensorType([.batch, .fixed(1), .fixed(4), .fixed(4)]))], outputs: ["scores"],
    nodes: [
      Node(name: "flatten", op: Flatten(axis: 1), inputs: ["pixels"], outputs: ["flat"]),
      Node(name: "scale", op: Mul(), inputs: ["flat", "factor"], outputs: ["x"]),
      Node(name: "fc1", op: Gemm(transposesB: true), inputs: ["x", "fc1.weight"], outputs: ["hidden"]),
      Node(name: "fc2", op: Gemm(transposesB: true), inputs: ["hidden", "fc2.weight"], outputs: ["scores"]),
    ],
    constants: [
      "factor": .init(Tensor([1e19], shape: [1]), .fixed), "fc1.weight": .init(Tensor(repeating: 0, shape: [4, 16]), .parameter),
      "fc2.weight": .init(Tensor((0..<16).map { $0 == 0 ? slope : 0 }, shape: [4, 4]), .parameter),
    ])
}

/// Samples that are all alike.
private struct EqualDataset: ImageDataset {
  var name: String { "equal" }
  var count: Int { 16 }
  var sampleShape: [Int] { [1, 4, 4] }
  var classCount: Int { 4 }
  var contentHash: UInt64 { 1 }
  func label(at index: Int) -> Int32 { 0 }
  func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws { pixels.update(repeating: 1) }
}
