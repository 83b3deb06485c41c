import QATGraph

/// Turns a fake-quantized network into integers. Every exporter, the deployed evaluation and the verifier start from this one result.
///
/// Weights become the codes that training used; batch norm behind a layer goes into the weight's scales and the bias and never changes a code but for
/// its sign; biases become int32 at the scale of the accumulator. A per-channel quantizer in front of depthwise convolutions becomes per-tensor: its
/// scales relative to the largest move into the weights around it, which keeps all codes. What cannot be integer stays float, with a reason.
/// - Parameter graph: a validated network with `FakeQuantize` nodes on weights and activations, constants at their trained values.
/// - Returns: the integers, and the network that they stand for.
/// - Throws: `LoweringError` when the graph is no network, or a weight, bias, batch norm or quantizer holds values that are not finite.
public func lower(_ graph: Graph) throws(LoweringError) -> LoweredGraph {
  do throws(GraphError) {
    try graph.validated()
  } catch {
    throw LoweringError(node: error.node, error.reason)
  }
  var lowering = try Lowering(normalized(graph))
  for node in lowering.source.nodes { try lowering.lower(node) }
  return try lowering.finished()
}
