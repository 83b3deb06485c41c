import QATGraph
import QATTensor

extension Concat: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension Flatten: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension Reshape: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    builder.append(node, with: [("shape", Tensor(int64: shape.map(Int64.init)))])
  }
}

extension Transpose: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.ints("perm", permutation)] }
}
