import QATGraph

extension Add: ONNXWritable {}
extension Sub: ONNXWritable {}
extension Mul: ONNXWritable {}
extension Div: ONNXWritable {}
extension Pow: ONNXWritable {}

extension Mod: ONNXWritable {
  /// On floating-point numbers ONNX knows the rounding towards zero only: a − ⌊a / b⌋ · b.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    guard roundsDown else {
      return builder.node(node.type, name: node.name, inputs: node.inputs, outputs: node.outputs, attributes: [.flag("fmod", true)])
    }
    let floor = builder.helper("Floor", [builder.helper("Div", node.inputs, "quotient", of: node)], "floor", of: node)
    let multiple = builder.helper("Mul", [floor, node.inputs[1]], "multiple", of: node)
    builder.node("Sub", name: node.name, inputs: [node.inputs[0], multiple], outputs: node.outputs)
  }
}

extension Max: ONNXWritable {}
extension Min: ONNXWritable {}
extension Mean: ONNXWritable {}
