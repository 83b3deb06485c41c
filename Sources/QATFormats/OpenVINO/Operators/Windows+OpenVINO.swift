import QATGraph
import QATTensor

extension Window {
  private var rank: Int { kernel.count }

  /// Steps, distances and pads.
  var irAttributes: [IRAttribute] {
    [
      .init("strides", strides), .init("dilations", dilations), .init("pads_begin", Array(pads[..<rank])), .init("pads_end", Array(pads[rank...])),
      .init("auto_pad", "explicit"),
    ]
  }

  /// The same with the size of the window, of poolings. A last window that begins in the padding is left out, as PyTorch does.
  var irPooling: [IRAttribute] { irAttributes + [.init("kernel", kernel), .init("rounding_type", roundsUp ? "ceil_torch" : "floor")] }

  fileprivate var isDilated: Bool { dilations.contains { $0 != 1 } }
}

extension MaxPool: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    if places == .columnMajor {
      throw OpenVINOError(node: node.name, "OpenVINO cannot count the places of maxima down the columns (storage_order 1)")
    }
    // OpenVINO's layer always has the places of the maxima as its second output.
    let types = node.outputs.map { writer.types[$0]?.dimensions }
    let outputs = [IRBuilder.Output(elementType: .float32, dimensions: types[0]), IRBuilder.Output(elementType: .int64, dimensions: types[0])]
    let ports = writer.builder.layer(
      "MaxPool", opset: window.roundsUp ? 14 : 8, name: node.name, inputs: [try writer.read(node.inputs[0])],
      attributes: window.irPooling + [.init("index_element_type", "i64"), .init("axis", 0)], outputs: outputs)
    for (name, port) in zip(node.outputs, ports) { writer.bind(name, to: port) }
  }
}

extension AveragePool: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let attributes = window.irPooling.filter { window.isDilated || $0.name != "dilations" } + [.init("exclude-pad", !countsPadding)]
    writer.layer(
      "AvgPool", opset: window.isDilated ? 16 : window.roundsUp ? 14 : 1, of: node, inputs: [try writer.read(node.inputs[0])], attributes)
  }
}

extension LpPool: IRWritable {
  /// (n · mean of |x|ᵖ)^(1/p) over windows of n elements, padding included.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    guard !window.roundsUp else { throw OpenVINOError(node: node.name, "a norm pooling that rounds its size up has no form in OpenVINO") }
    let magnitude = writer.helper("Abs", [try writer.read(node.inputs[0])], "magnitude", of: node)
    let power = writer.helper("Power", [magnitude, writer.scalar(Float(p), "p", of: node)], "power", of: node, [.numpyBroadcast])
    let attributes = window.irPooling.filter { window.isDilated || $0.name != "dilations" } + [.init("exclude-pad", false)]
    let mean = writer.helper("AvgPool", opset: window.isDilated ? 16 : 1, [power], "mean", of: node, attributes)
    let count = writer.scalar(Float(window.kernel.reduce(1, *)), "count", of: node)
    let sum = writer.helper("Multiply", [mean, count], "sum", of: node, [.numpyBroadcast])
    writer.layer("Power", of: node, inputs: [sum, writer.scalar(1 / Float(p), "root", of: node)], [.numpyBroadcast])
  }
}

extension IRWriter {
  /// Adds a reduction over all positions of each channel.
  fileprivate mutating func globalPooling(_ type: String, _ node: Node) throws(OpenVINOError) {
    let axes = list(Array(2..<dimensions(of: node).count), "axes", of: node)
    layer(type, of: node, inputs: [try read(node.inputs[0]), axes], [.init("keep_dims", true)])
  }
}

extension GlobalAveragePool: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try writer.globalPooling("ReduceMean", node) }
}

extension GlobalMaxPool: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try writer.globalPooling("ReduceMax", node) }
}
