import QATGraph

extension Convolution: ONNXWritable {
  var attributes: [ONNXAttributeProto] { window.attributes + [.int("group", groups)] }
}

extension MaxPool: ONNXWritable {
  var attributes: [ONNXAttributeProto] {
    window.attributes + [.flag("ceil_mode", window.roundsUp)] + (places == .columnMajor ? [.int("storage_order", 1)] : [])
  }
}

extension AveragePool: ONNXWritable {
  private var isDilated: Bool { window.dilations.contains { $0 != 1 } }

  /// Dilations came with opset 19.
  var opset: Int { isDilated ? 19 : Self.firstOpset }

  var attributes: [ONNXAttributeProto] {
    window.attributes.filter { isDilated || $0.name != "dilations" }
      + [.flag("ceil_mode", window.roundsUp), .flag("count_include_pad", countsPadding)]
  }
}

extension ConvolutionTranspose: ONNXWritable {
  var attributes: [ONNXAttributeProto] { window.attributes + [.int("group", groups), .ints("output_padding", outputPadding)] }
}

extension LpPool: ONNXWritable {
  /// Dilations and rounding up came with opset 18.
  private var isNew: Bool { window.roundsUp || window.dilations.contains { $0 != 1 } }
  var opset: Int { isNew ? 18 : Self.firstOpset }

  var attributes: [ONNXAttributeProto] {
    window.attributes.filter { isNew || $0.name != "dilations" } + (isNew ? [.flag("ceil_mode", window.roundsUp)] : []) + [.int("p", p)]
  }
}

extension GlobalAveragePool: ONNXWritable {}
extension GlobalMaxPool: ONNXWritable {}

extension Window {
  fileprivate var attributes: [ONNXAttributeProto] {
    [.ints("dilations", dilations), .ints("kernel_shape", kernel), .ints("pads", pads), .ints("strides", strides)]
  }
}
