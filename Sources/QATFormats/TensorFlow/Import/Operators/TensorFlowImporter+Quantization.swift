import QATGraph
import QATImporting
import QATTensor

/// TensorFlow's fake quantizers become ours: on weights so that they can be trained and lowered again, on activations as they are.
extension TensorFlowImporter {
  static let quantization: [String: OperatorImporter] = [
    "FakeQuantWithMinMaxVars": { importer, node throws(TensorFlowError) in
      guard let minima = try importer.constant(1, node)?.floats, let maxima = try importer.constant(2, node)?.floats, minima.count == 1 else {
        throw node.unsupported("only with a constant range is")
      }
      try importer.fakeQuantize(minima, maxima, isPerChannel: false, node)
    },
    "FakeQuantWithMinMaxVarsPerChannel": { importer, node throws(TensorFlowError) in
      guard let minima = try importer.constant(1, node)?.floats, let maxima = try importer.constant(2, node)?.floats else {
        throw node.unsupported("only with constant ranges is")
      }
      try importer.fakeQuantize(minima, maxima, isPerChannel: true, node)
    },
    "FakeQuantWithMinMaxArgs": { importer, node throws(TensorFlowError) in
      let range = (try node.float("min", default: -6), try node.float("max", default: 6))
      try importer.fakeQuantize([range.0], [range.1], isPerChannel: false, node)
    },
  ]

  private mutating func fakeQuantize(_ minima: [Float], _ maxima: [Float], isPerChannel: Bool, _ node: TensorFlowNode) throws(TensorFlowError) {
    let bits = try node.int("num_bits", default: 8)
    guard (2...8).contains(bits) else { throw node.unsupported("\(bits) bits are not, 2 to 8 are") }
    guard let quantizer = FileQuantizer(bits: bits, isNarrow: try node.flag("narrow_range", default: false), minima: minima, maxima: maxima) else {
      throw node.error("its ranges \(minima.prefix(4)) to \(maxima.prefix(4)) are empty, not finite or of different counts")
    }
    let dimensions = try dimensions(0, node)
    if isPerChannel, dimensions.last != .fixed(quantizer.count) {
      throw node.error("it has \(quantizer.count) ranges for the last axis of \(dimensions)")
    }
    switch try value(0, node) {
    case .constant(let tensor, let origin):
      guard tensor.elementType == .float32 else { throw node.error("it quantizes \(tensor.elementType), expected float32") }
      try bind(node.name, to: .quantized(QuantizedConstant(tensor: tensor, origin: origin, quantizer: quantizer)), node)
    case .computed(let name, let layout):
      let source = isPerChannel && layout != .channelsLast ? try inFileOrder(name, layout, node) : name
      let order: TensorFlowLayout = source == name ? layout : .plain
      let axis = quantizer.count == 1 ? nil : order.graphAxis(dimensions.count - 1, rank: dimensions.count)
      let parameters = try parameters(of: quantizer, axis: axis, id: assembly.uniqueName("\(source)|OUTPUT"), node)
      try emit(parameters.op, [source] + parameters.names, order, node)
      // NNCF's name for a quantizer, by which reports and checkpoints call it.
      assembly.graph.nodes[assembly.graph.nodes.count - 1].name = parameters.id
    default: throw node.unsupported("only of tensors in floating point is")
    }
  }

  /// Adds a constant behind its quantizer, its values in the order that the graph needs. `axis` is the one of `weight` with parameters of its own: nil for one
  /// set in all, −1 when the channels are no axis of it.
  mutating func quantizer(_ constant: QuantizedConstant, _ weight: Tensor, axis: Int?, _ node: TensorFlowNode) throws(TensorFlowError) -> TensorName {
    guard axis ?? 0 >= 0 else { throw node.unsupported("the channels of the quantizer of '\(constant.origin)' are no axis of the weight") }
    let source = add(weight, named: constant.origin, .parameter)
    let known = "\(source)|WEIGHT"
    if let output = quantizedWeights[source] { return output }
    let parameters = try parameters(of: constant.quantizer, axis: axis, id: assembly.uniqueName(known), node)
    try append(parameters.op, [source] + parameters.names, named: parameters.id, node)
    quantizedWeights[source] = parameters.id
    return parameters.id
  }

  private mutating func parameters(
    of quantizer: FileQuantizer, axis: Int?, id: String, _ node: TensorFlowNode
  ) throws(TensorFlowError) -> (op: FakeQuantize, names: [TensorName], id: String) {
    guard let counterpart = quantizer.counterpart(axis: axis) else {
      throw node.unsupported("a narrow range that is not symmetric is not: \(quantizer.lows.prefix(4)) to \(quantizer.highs.prefix(4))")
    }
    let names = counterpart.parameters.map { add(Tensor($0.values, shape: [$0.values.count]), named: "\(id).\($0.suffix)", .parameter) }
    return (counterpart.op, names, id)
  }
}
