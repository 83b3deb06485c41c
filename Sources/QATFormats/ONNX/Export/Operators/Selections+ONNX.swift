import QATGraph

extension Gather: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension GatherElements: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension Cast: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("to", elementType.onnxDataType.rawValue)] }
}

extension Where: ONNXWritable {}
extension Equal: ONNXWritable {}
extension Less: ONNXWritable {}
extension LessOrEqual: ONNXWritable {}
extension Greater: ONNXWritable {}
extension GreaterOrEqual: ONNXWritable {}
extension And: ONNXWritable {}
extension Or: ONNXWritable {}
extension Xor: ONNXWritable {}
extension Not: ONNXWritable {}
