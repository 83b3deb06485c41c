import QATGraph

extension Gather: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension GatherElements: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension GatherND: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("batch_dims", batchDimensions)] }
}

extension ScatterND: ONNXWritable {
  var opset: Int { reduction.opset }
  var attributes: [ONNXAttributeProto] { reduction.attributes }
}

extension ScatterElements: ONNXWritable {
  var opset: Int { reduction.opset }
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] + reduction.attributes }
}

extension Scattering {
  /// Sums and products came with opset 16, extrema with 18.
  fileprivate var opset: Int {
    switch self {
    case .replace: 13
    case .add, .multiply: 16
    case .maximum, .minimum: 18
    }
  }

  fileprivate var attributes: [ONNXAttributeProto] { self == .replace ? [] : [.string("reduction", rawValue)] }
}

extension IsNaN: ONNXWritable {}

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
