import QATGraph
import QATTensor

extension BatchNormalization: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("epsilon", epsilon), .float("momentum", momentum)] }
}

extension LayerNormalization: ONNXWritable {
  static var firstOpset: Int { 17 }
  var attributes: [ONNXAttributeProto] { [.int("axis", axis), .float("epsilon", epsilon)] }
}

extension RMSNormalization: ONNXWritable {
  /// Opset 23 has an operator, which is too new for most runtimes: its formula, which importers recognise.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let (x, scale) = (node.inputs[0], node.inputs[1])
    let shift = builder.constant("\(node.name)/epsilon", Tensor([epsilon], shape: []))
    let square = builder.helper("Mul", [x, x], "square", of: node)
    let mean = builder.uniqueName("\(node.name)/mean")
    let average = ReduceMean(axes: Array(-axisCount..<0))
    try average.write(Node(name: mean, op: average, inputs: [square], outputs: [mean]), to: &builder)
    let root = builder.helper("Sqrt", [builder.helper("Add", [mean, shift], "shifted", of: node)], "root", of: node)
    let inverse = builder.helper("Reciprocal", [root], "inverse", of: node)
    let normalized = builder.helper("Mul", [x, inverse], "normalized", of: node)
    builder.node("Mul", name: node.name, inputs: [normalized, scale], outputs: node.outputs)
  }
}

extension InstanceNormalization: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("epsilon", epsilon)] }
}

extension GroupNormalization: ONNXWritable {
  /// Opset 18 had one scale a group.
  static var firstOpset: Int { 21 }
  var attributes: [ONNXAttributeProto] { [.float("epsilon", epsilon), .int("num_groups", groups)] }
}

extension LocalResponseNormalization: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha), .float("beta", beta), .float("bias", bias), .int("size", size)] }
}
