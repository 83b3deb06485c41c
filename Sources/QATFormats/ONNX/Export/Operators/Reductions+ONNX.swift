import QATGraph
import QATTensor

extension ONNXWritable where Self: ReductionOperator {
  /// Since opset 18, and for ReduceSum since 13, the axes are an input.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let keeps = ONNXAttributeProto.flag("keepdims", keepsDimensions)
    if axes.isEmpty || (builder.opset < 18 && !(self is ReduceSum)) {
      let attributes = (axes.isEmpty ? [] : [.ints("axes", axes)]) + [keeps]
      builder.node(node.type, name: node.name, inputs: node.inputs, outputs: node.outputs, attributes: attributes)
    } else {
      builder.append(node, with: [("axes", Tensor(int64: axes.map(Int64.init)))], attributes: [keeps])
    }
  }
}

extension ReduceMean: ONNXWritable {}
extension ReduceSum: ONNXWritable {}
extension ReduceProd: ONNXWritable {}
extension ReduceMax: ONNXWritable {}
extension ReduceMin: ONNXWritable {}
extension ReduceL1: ONNXWritable {}
extension ReduceL2: ONNXWritable {}
extension ReduceSumSquare: ONNXWritable {}
extension ReduceLogSum: ONNXWritable {}
extension ReduceLogSumExp: ONNXWritable {}
