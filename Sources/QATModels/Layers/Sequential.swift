import QATGraph

/// A network of layers one after the other, as PyTorch's and Keras's `Sequential`. Parameters are named as PyTorch names them: `0.weight`, or by the layers' own names.
///
/// ```swift
/// let network = Sequential("lenet", input: [1, 28, 28], [
///   .convolution(8, kernel: 3, pad: 1, hasBias: false), .batchNormalization, .relu, .maxPool(kernel: 2, stride: 2),
///   .flatten, .linear(10).named("classifier"),
/// ])
/// ```
public struct Sequential: Sendable {
  /// What the network is called.
  public var name: String
  /// Shape of one sample, [channels, height, width].
  public var input: [Int]
  /// The layers in their order.
  public var layers: [Layer]

  /// A network.
  public init(_ name: String = "sequential", input: [Int], _ layers: [Layer]) {
    self.name = name
    self.input = input
    self.layers = layers
  }

  /// The network as a graph, with the initial weights of a seed.
  /// - Throws: `GraphError` naming the first layer that does not fit its input.
  public func graph(seed: UInt64 = 0) throws(GraphError) -> Graph {
    var net = NetworkBuilder(name: name, input: input, seed: seed)
    net.collectsFaults = true
    let output = net.sequence(net.input, "", layers)
    if let fault = net.fault { throw fault }
    return try net.graph(output: output).validated()
  }
}
