import QATGraph
import QATTensor

extension IRWriter {
  /// The axes of a reduction as a constant: all of them where the operator names none.
  fileprivate mutating func axes(_ op: some ReductionOperator, of node: Node) -> Port {
    let axes = op.axes.isEmpty ? Array(dimensions(of: node).indices) : op.axes
    return list(axes, "axes", of: node)
  }
}

extension ReductionOperator {
  fileprivate var keepDims: IRAttribute { .init("keep_dims", keepsDimensions) }

  fileprivate func reduce(_ type: String, opset: Int = 1, _ node: Node, _ writer: inout IRWriter) throws(OpenVINOError) {
    writer.layer(type, opset: opset, of: node, inputs: [try writer.read(node.inputs[0]), writer.axes(self, of: node)], [keepDims])
  }
}

extension ReduceMean: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceMean", node, &writer) }
}
extension ReduceSum: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceSum", node, &writer) }
}
extension ReduceProd: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceProd", node, &writer) }
}
extension ReduceMax: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceMax", node, &writer) }
}
extension ReduceMin: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceMin", node, &writer) }
}
extension ReduceL1: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceL1", opset: 4, node, &writer) }
}
extension ReduceL2: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) { try reduce("ReduceL2", opset: 4, node, &writer) }
}

extension ReduceSumSquare: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let x = try writer.read(node.inputs[0])
    let square = writer.helper("Multiply", [x, x], "square", of: node, [.numpyBroadcast])
    writer.layer("ReduceSum", of: node, inputs: [square, writer.axes(self, of: node)], [keepDims])
  }
}

extension ReduceLogSum: IRWritable {
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let sum = writer.helper("ReduceSum", [try writer.read(node.inputs[0]), writer.axes(self, of: node)], "sum", of: node, [keepDims])
    writer.layer("Log", of: node, inputs: [sum])
  }
}

extension ReduceLogSumExp: IRWritable {
  /// m + log Σ exp(x − m) with the largest x as m, so that nothing overflows.
  func write(_ node: Node, to writer: inout IRWriter) throws(OpenVINOError) {
    let x = try writer.read(node.inputs[0])
    let axes = writer.axes(self, of: node)
    let largest = writer.helper("ReduceMax", [x, axes], "largest", of: node, [.init("keep_dims", true)])
    let difference = writer.helper("Subtract", [x, largest], "difference", of: node, [.numpyBroadcast])
    let sum = writer.helper("ReduceSum", [writer.helper("Exp", [difference], "exp", of: node), axes], "sum", of: node, [keepDims])
    let shift = keepsDimensions ? largest : writer.helper("Squeeze", [largest, axes], "shift", of: node)
    writer.layer("Add", of: node, inputs: [writer.helper("Log", [sum], "log", of: node), shift], [.numpyBroadcast])
  }
}
