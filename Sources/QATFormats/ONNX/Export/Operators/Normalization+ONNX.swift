import QATGraph

extension BatchNormalization: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("epsilon", epsilon), .float("momentum", momentum)] }
}
