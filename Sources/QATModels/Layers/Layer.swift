import QATGraph

/// A layer of a `Sequential` network: what it adds to a network when it is given its input and its name.
///
/// The layers that there are stand in `Layer+Kinds.swift`, as in `.convolution(32, kernel: 3)`. A layer of one's own is a closure over `NetworkBuilder`:
///
/// ```swift
/// let doubled = Layer { net, x, name in net.sum(x, x, name) }
/// ```
public struct Layer: Sendable {
  /// The name inside its sequence; its place in it when nil, as in PyTorch's `Sequential`.
  public var name: String?
  let apply: @Sendable (inout NetworkBuilder, NetworkBuilder.Value, String) -> NetworkBuilder.Value

  /// A layer.
  /// - Parameter apply: adds it to a network, reading a value, under a name, and returns its output.
  public init(_ apply: @escaping @Sendable (_ net: inout NetworkBuilder, _ x: NetworkBuilder.Value, _ name: String) -> NetworkBuilder.Value) {
    self.apply = apply
  }

  /// The same layer with a name of its own: its parameters are `name.weight` and so on.
  public func named(_ name: String) -> Layer {
    var layer = self
    layer.name = name
    return layer
  }
}

extension NetworkBuilder {
  /// Adds layers one after the other; each is named by its place or its own name, behind `prefix` and a dot.
  public mutating func sequence(_ x: Value, _ prefix: String = "", _ layers: [Layer]) -> Value {
    var x = x
    for (place, layer) in layers.enumerated() {
      let name = layer.name ?? "\(place)"
      x = layer.apply(&self, x, prefix.isEmpty ? name : "\(prefix).\(name)")
    }
    return x
  }
}
