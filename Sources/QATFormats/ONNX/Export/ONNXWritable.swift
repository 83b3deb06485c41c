import QATGraph
import QATTensor

/// An operator that ONNX has a spelling for. Conformances stand in `Operators/`, one file a family.
protocol ONNXWritable: Operator {
  /// The first opset, from 13 on, in which ONNX can say the operator in its common form.
  static var firstOpset: Int { get }

  /// The first opset in which ONNX can say this operator with its attributes.
  var opset: Int { get }

  /// The attributes of the node.
  var attributes: [ONNXAttributeProto] { get }

  /// Adds the operator's node, under the name, inputs and outputs of `node`. Constants that `node` reads are added by the caller.
  /// - Throws: `ONNXError` for what no opset can say.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError)
}

extension ONNXWritable {
  static var firstOpset: Int { 13 }
  var opset: Int { Self.firstOpset }
  var attributes: [ONNXAttributeProto] { [] }

  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    builder.node(node.type, name: node.name, inputs: node.inputs, outputs: node.outputs, attributes: attributes)
  }
}

extension ONNXModelBuilder {
  /// The smallest opset, at least 13, that has all operators of `graph`.
  static func opset(for graph: Graph) -> Int {
    graph.nodes.compactMap { ($0.op as? any ONNXWritable)?.opset }.max() ?? 13
  }

  /// Adds a node of the graph under its own name, inputs and outputs. Constants it reads are added by the caller.
  /// - Throws: `ONNXError` for a FakeQuantize and the rounding of a bias, which only the quantized export can write, and for what ONNX's opset cannot say.
  mutating func append(_ node: Node) throws(ONNXError) {
    if let op = node.op as? any ONNXWritable { return try op.write(node, to: &self) }
    throw ONNXError(
      node: node.name,
      node.op is FakeQuantize || node.op is RoundBias
        ? "a fake quantizer has no place in an fp32 file: lower the graph and write the lowered one"
        : "the operator \(node.type) has no ONNX spelling")
  }

  /// Adds a node inside the formula that stands for `node`.
  /// - Returns: the name of its output.
  mutating func helper(_ type: String, _ inputs: [TensorName], _ suffix: String, of node: Node) -> TensorName {
    let name = uniqueName("\(node.name)/\(suffix)")
    self.node(type, name: name, inputs: inputs, outputs: [name])
    return name
  }

  /// Adds the node with `tensors` as further inputs: initializers called after the node, or absent ones.
  mutating func append(_ node: Node, with tensors: [(suffix: String, tensor: Tensor?)], attributes: [ONNXAttributeProto] = []) {
    let added = tensors.map { suffix, tensor in tensor.map { constant("\(node.name)/\(suffix)", $0) } ?? "" }
    self.node(node.type, name: node.name, inputs: node.inputs + added, outputs: node.outputs, attributes: attributes)
  }
}
