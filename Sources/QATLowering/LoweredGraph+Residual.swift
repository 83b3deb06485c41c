import QATGraph

/// A convolution whose codes are added to others: OpenVINO computes it, its quantizer, the addition and what follows as one layer.
///
/// OpenVINO leaves out the rounding of the convolution's quantizer when nothing stands between the two, so that the deployed network would not be the
/// trained one: files for OpenVINO get an activation of slope 1 there, which changes no value and keeps the rounding.
public struct ResidualBranch: Sendable {
  /// The convolution's node.
  public var layer: Node
  /// The quantizer behind it.
  public var quantizer: Node
  /// The addition.
  public var addition: Node
  /// The other operand of the addition.
  public var skip: TensorName
}

extension LoweredGraph {
  /// The convolutions whose codes are added to others, in node order and for each addition in the order of its operands. With an activation of slope 1
  /// behind each of them OpenVINO computes the first of an addition together with it, and the second by itself.
  public var residualBranches: [ResidualBranch] {
    let layers = Set(integerLayers.filter { $0.type == Convolution.type }.map(\.name))
    let producers = simulation.producers
    let consumers = simulation.consumers
    func hasOneReader(_ tensor: TensorName) -> Bool { consumers[tensor]?.count == 1 && !simulation.outputs.contains(tensor) }
    return simulation.nodes.filter { $0.op is Add }.flatMap { addition in
      [(0, 1), (1, 0)].compactMap { port, other in
        guard activations[addition.inputs[other]] != nil, hasOneReader(addition.inputs[port]),
          let quantizer = producers[addition.inputs[port]].map({ simulation.nodes[$0] }), quantizer.op is FakeQuantize,
          activations[addition.inputs[port]] != nil, hasOneReader(quantizer.inputs[0]),
          let layer = producers[quantizer.inputs[0]].map({ simulation.nodes[$0] }), layers.contains(layer.name)
        else { return nil }
        return ResidualBranch(layer: layer, quantizer: quantizer, addition: addition, skip: addition.inputs[other])
      }
    }
  }
}
