import QATGraph
import QATTensor

/// An operator that reads quantized tensors, with the quantizers that serve it.
public struct QuantizedLayer: Sendable, Hashable {
  /// The operator's name.
  public var name: String
  /// The operator's type, such as `Conv`.
  public var type: String
  /// Ids of the quantizers of its weights.
  public var weights: [String]
  /// Ids of the quantizers of the activations that it reads. One may serve several layers.
  public var activations: [String]
  /// All of its quantizers.
  public var quantizers: [String] { weights + activations }
}

extension QuantizerSetup {
  /// The operators that quantizers serve, in node order.
  /// - Parameter graph: the network that the setup is of, quantized or not.
  /// - Returns: a layer for each operator that a quantizer names.
  public func layers(of graph: Graph) -> [QuantizedLayer] {
    var weights: [String: [String]] = [:]
    var activations: [String: [String]] = [:]
    for point in points {
      for name in Set(point.quantizedOperators) {
        if point.kind == .weight { weights[name, default: []].append(point.id) } else { activations[name, default: []].append(point.id) }
      }
    }
    return graph.nodes.compactMap { node in
      let layer = QuantizedLayer(name: node.name, type: node.type, weights: weights[node.name] ?? [], activations: activations[node.name] ?? [])
      return layer.quantizers.isEmpty ? nil : layer
    }
  }

  /// The setup with some of its points only.
  /// - Parameter ids: the points that stay.
  /// - Returns: a setup in which a group whose first point is gone is owned by its next.
  func keeping(_ ids: Set<String>) -> QuantizerSetup {
    QuantizerSetup(
      points: points.filter { ids.contains($0.id) },
      unifiedScaleGroups: unifiedScaleGroups.map { $0.filter(ids.contains) }.filter { $0.count > 1 },
      sharedInputGroups: sharedInputGroups.map { $0.filter(ids.contains) }.filter { $0.count > 1 })
  }
}

extension CompressionController {
  /// The fp32 network before quantization, with its own batch norm statistics.
  public var floatGraph: Graph { source }
}

extension Graph {
  /// This fp32 network with some of the quantizers of a quantized one, at their ranges there.
  /// - Parameters:
  ///   - ids: which quantizers; those that are not in the quantized network are left out.
  ///   - setup: all of its quantizers.
  ///   - quantized: the quantized network.
  /// - Returns: the network.
  /// - Throws: `QuantizationError` when the quantizers do not fit this network.
  public func quantizing(_ ids: [String], of setup: QuantizerSetup, as quantized: Graph) throws(QuantizationError) -> Graph {
    let nodes = Dictionary(quantized.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let kept = setup.keeping(Set(ids.filter { nodes[$0] != nil }))
    var result = try inserting(kept)
    for index in result.nodes.indices {
      guard let whole = nodes[result.nodes[index].name], whole.op is FakeQuantize, result.nodes[index].op is FakeQuantize else { continue }
      result.nodes[index].op = whole.op
      for (name, original) in zip(result.nodes[index].inputs, whole.inputs).dropFirst() { result.constants[name] = quantized.constants[original] }
    }
    return result
  }
}
