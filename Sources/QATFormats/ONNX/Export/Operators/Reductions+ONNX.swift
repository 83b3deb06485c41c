import QATGraph
import QATTensor

extension ReduceMean: ONNXWritable {
  /// Since opset 18 the axes are an input.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let keeps = ONNXAttributeProto.flag("keepdims", keepsDimensions)
    if axes.isEmpty || builder.opset < 18 {
      let attributes = (axes.isEmpty ? [] : [.ints("axes", axes)]) + [keeps]
      builder.node(node.type, name: node.name, inputs: node.inputs, outputs: node.outputs, attributes: attributes)
    } else {
      builder.append(node, with: [("axes", Tensor(int64: axes.map(Int64.init)))], attributes: [keeps])
    }
  }
}
