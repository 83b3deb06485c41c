import QATGraph

/// How much of a network's data flows quantized. Source: NNCF's "share edges of the quantized data path".
public struct QuantizedDataPath: Sendable, Hashable {
  /// Edges that carry quantized activations.
  public var quantizedEdges = 0
  /// Edges of the network in the units of placement: from an input or from operators that run as one, to such or to an output.
  public var edges = 0

  /// The path of no network.
  public init() {}

  /// Walks from the inputs, whose edges count as quantized. An edge is quantized when a quantizer sits on it or on the output it comes from, and when it comes
  /// from an operator that does not compute on integers itself and reads quantized edges only.
  init(_ network: LiveGraph, _ setup: QuantizerSetup, device: TargetDevice) {
    let graph = QuantizationGraph(network, device: device, exclusion: { _ in nil })
    let targets = Set(setup.activationPoints.map(\.target))
    var isQuantized = [Bool](repeating: false, count: graph.slots.count)
    for vertex in graph.vertices {
      let passesOn = vertex.trait != .inputsQuantizable && vertex.inputs.allSatisfy { isQuantized[$0] }
      let fromOutput = vertex.target.map(targets.contains) ?? false
      for slot in vertex.readers { isQuantized[slot] = passesOn || fromOutput || targets.contains(graph.slots[slot].target) }
    }
    edges = isQuantized.count
    quantizedEdges = isQuantized.count { $0 }
  }
}
