import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTraining

/// `quantizers same`: every rank starts from other weights; `distributed` gives all the quantizers of rank 0, and the bits of one scale are printed before
/// and after. `quantizers different`: the last rank's configuration places other quantizers. `quantizers undistributed`: training without `distributed`.
@Sendable func quantizersScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var net = NetworkBuilder(name: "tiny", input: [1, 8, 8], seed: UInt64(communicator.rank))
  let x = net.relu(net.convolution(net.input, "conv", channels: 4, kernel: 3), "relu")
  let output = net.linear(net.flatten(x, "flatten"), "fc", features: 2)
  var configuration = QuantizationConfiguration()
  if arguments == ["different"], communicator.rank == communicator.size - 1 { configuration.ignoredScopes = ["fc"] }
  let graph = net.graph(output: output)
  let controller = try createCompressedModel(graph, configuration, device: .any, calibration: nil)
  communicator.say("before \(controller.graph.tensor("conv|WEIGHT.scale")?.floats?.map(\.bitPattern) ?? [])")
  if arguments == ["undistributed"] {
    // Its weights differ between ranks, which the trainer mends; that nobody has asked for common quantizers it refuses.
    _ = try trainer(controller, graph)
  }
  try controller.distributed()
  // Once more, on the last rank only: it asks nobody.
  if communicator.rank == communicator.size - 1 { try controller.distributed() }
  communicator.say("steps \(try trainer(controller, graph).run().steps)")
  communicator.say("after \(controller.graph.tensor("conv|WEIGHT.scale")?.floats?.map(\.bitPattern) ?? [])")
}

/// A trainer of two steps over the ranks around it.
private func trainer(_ controller: CompressionController, _ graph: Graph) throws -> Trainer {
  var configuration = RunConfiguration()
  configuration.batchSize = 4
  configuration.maxSteps = 2
  let data = try openDataset("synthetic:1,8,8,2,64", split: .train)
  let task = Trainer.Task(
    graph: controller.graph, state: try ModelState(controller.graph), training: data, validation: nil, configuration: configuration,
    controller: controller, identity: RunIdentity(model: graph, configuration: configuration, dataset: data))
  return try Trainer(task, showsProgress: false)
}
