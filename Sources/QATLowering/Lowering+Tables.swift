import QATGraph
import QATTensor

/// Tables of embeddings.
extension Lowering {
  /// Stores the table of an embedding as signed bytes, where it is quantized so.
  /// - Parameter node: any node that computes as it did.
  /// - Returns: the storage of what the node gathers, where all rows have one scale: only then are its values on one grid.
  mutating func storeTable(of node: Node) -> ActivationCodes? {
    guard node.op is Gather, let quantizerNode = producer(of: node.inputs[0]), let quantizer = quantizerNode.as(FakeQuantize.self),
      let tensor = source.tensor(quantizerNode.inputs[0]), let values = tensor.floats, let parameters = parameters(of: quantizerNode),
      quantizer.mode != .asymmetric, quantizer.levelHigh <= 127
    else { return nil }
    let name = floatConstant(node.inputs[0])
    let axis = quantizer.channelAxis.map { ($0 + tensor.shape.count) % tensor.shape.count } ?? 0
    let grids = parameters[0].indices.map { quantizer.grid(parameters: parameters, at: $0) }
    let codes = quantizer.codes(of: values, shape: tensor.shape, grids).map { Int8($0) }
    tables[name] = QuantizedWeight(shape: tensor.shape, codes: codes, scales: grids.map(\.step), channelAxis: axis, bits: quantizer.bits)
    return grids.count == 1 ? self.codes(of: grids[0], quantizer, for: quantizerNode.inputs[0]) : nil
  }
}
