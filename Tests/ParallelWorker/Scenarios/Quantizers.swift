import QATCommunication
import QATGraph
import QATModels
import QATQuantization

/// `quantizers same`: every rank starts from other weights; `distributed` gives all the quantizers of rank 0, and the bits of one scale are printed before
/// and after. `quantizers different`: the last rank's configuration places other quantizers.
@Sendable func quantizersScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var net = NetworkBuilder(name: "tiny", input: [1, 8, 8], seed: UInt64(communicator.rank))
  let x = net.relu(net.convolution(net.input, "conv", channels: 4, kernel: 3), "relu")
  let output = net.linear(net.flatten(x, "flatten"), "fc", features: 2)
  var configuration = QuantizationConfiguration()
  if arguments == ["different"], communicator.rank == communicator.size - 1 { configuration.ignoredScopes = ["fc"] }
  let controller = try createCompressedModel(
    net.graph(output: output), configuration, device: .any, calibration: nil, communicator: communicator)
  communicator.say("before \(controller.graph.tensor("conv|WEIGHT.scale")?.floats?.map(\.bitPattern) ?? [])")
  try controller.distributed()
  communicator.say("after \(controller.graph.tensor("conv|WEIGHT.scale")?.floats?.map(\.bitPattern) ?? [])")
}
