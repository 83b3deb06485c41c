import QATGraph

extension BatchNormalization: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("epsilon", epsilon), .float("momentum", momentum)] }
}

extension LayerNormalization: ONNXWritable {
  static var firstOpset: Int { 17 }
  var attributes: [ONNXAttributeProto] { [.int("axis", axis), .float("epsilon", epsilon)] }
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
