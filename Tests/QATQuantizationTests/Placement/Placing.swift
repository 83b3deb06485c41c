import QATGraph
import QATModels
import QATQuantization
import QATTensor

/// The default decision for a network, or with another device or changes to the configuration.
func placement(
  _ graph: Graph, on device: TargetDevice = .any, _ change: (inout QuantizationConfiguration) -> Void = { _ in }
) throws -> QuantizerPlacement {
  var configuration = QuantizationConfiguration()
  change(&configuration)
  return try placeQuantizers(in: graph, configuration, device: device)
}

/// The quantizers of `placement`.
func place(
  _ graph: Graph, on device: TargetDevice = .any, _ change: (inout QuantizationConfiguration) -> Void = { _ in }
) throws -> QuantizerSetup {
  try placement(graph, on: device, change).setup
}

extension QuantizerSetup {
  /// Ids of the activation quantizers, in their order.
  var activationIDs: [String] { activationPoints.map(\.id) }
  /// Ids of the weight quantizers, in their order.
  var weightIDs: [String] { weightPoints.map(\.id) }
}

extension NetworkBuilder {
  /// A network over images of [channels, 8, 8].
  static func small(channels: Int = 4) -> NetworkBuilder { NetworkBuilder(name: "small", input: [channels, 8, 8]) }

  /// The network that returns `output`. Mutating, so that the layers in the argument are added before the graph is read.
  mutating func finished(_ output: Value) -> Graph { graph(output: output) }

  /// A 3×3 convolution that keeps the image's size.
  mutating func conv(_ x: Value, _ name: String, channels: Int = 4, groups: Int = 1) -> Value {
    convolution(x, name, channels: channels, kernel: 3, pad: 1, groups: groups)
  }

  /// An operator on `x` and a constant with one value a channel.
  mutating func withConstant(_ op: some Operator, _ x: Value, _ name: String) -> Value {
    let shape = [x.channels] + [Int](repeating: 1, count: x.type.rank - 2)
    return add(op, [x], name, parameters: [("constant", Graph.Constant(Tensor(repeating: 0.5, shape: shape), .parameter))])
  }
}
