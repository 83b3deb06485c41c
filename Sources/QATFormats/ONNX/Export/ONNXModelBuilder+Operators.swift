import QATGraph
import QATTensor

/// How each operator of the graph is written in ONNX's opset 13 (HardSwish: 14).
extension ONNXModelBuilder {
  /// The smallest opset, at least 13, that has all operators of `graph`.
  static func opset(for graph: Graph) -> Int {
    graph.nodes.contains { $0.op is HardSwish } ? 14 : 13
  }

  /// Adds a node of the graph under its own name, inputs and outputs. Constants it reads are added by the caller.
  /// - Throws: `ONNXError` for a FakeQuantize, which only the quantized export can write, and for what ONNX's opset cannot say.
  mutating func append(_ node: Node) throws(ONNXError) {
    var inputs = node.inputs
    var attributes: [ONNXAttributeProto] = []
    switch node.op {
    case let op as Convolution: attributes = Self.attributes(op.window) + [.int("group", op.groups)]
    case let op as BatchNormalization: attributes = [.float("epsilon", op.epsilon), .float("momentum", op.momentum)]
    case let op as Clip:
      inputs.append(op.lower == -.infinity ? "" : constant("\(node.name)/min", Tensor([op.lower], shape: [])))
      inputs.append(op.upper == .infinity ? "" : constant("\(node.name)/max", Tensor([op.upper], shape: [])))
    case let op as LeakyRelu: attributes = [.float("alpha", op.alpha)]
    case let op as Concat: attributes = [.int("axis", op.axis)]
    case let op as MaxPool: attributes = Self.attributes(op.window) + [.flag("ceil_mode", op.window.roundsUp)]
    case let op as AveragePool:
      guard op.window.dilations == [1, 1] else {
        throw ONNXError(node: node.name, "an AveragePool with dilations cannot be written in opset \(opset)")
      }
      attributes = Self.attributes(op.window).filter { $0.name != "dilations" }
      attributes += [.flag("ceil_mode", op.window.roundsUp), .flag("count_include_pad", op.countsPadding)]
    case let op as ReduceMean:
      attributes = (op.axes.isEmpty ? [] : [.ints("axes", op.axes)]) + [.flag("keepdims", op.keepsDimensions)]
    case let op as Gemm:
      attributes = [
        .float("alpha", op.alpha), .float("beta", op.beta), .flag("transA", op.transposesA), .flag("transB", op.transposesB),
      ]
    case let op as Flatten: attributes = [.int("axis", op.axis)]
    case let op as Reshape: inputs.append(constant("\(node.name)/shape", Tensor(int64: op.shape.map(Int64.init))))
    case let op as Transpose: attributes = [.ints("perm", op.permutation)]
    case let op as Softmax: attributes = [.int("axis", op.axis)]
    case let op as Dropout: inputs.append(constant("\(node.name)/ratio", Tensor([op.ratio], shape: [])))
    case is Relu, is Sigmoid, is HardSwish, is Add, is Mul, is GlobalAveragePool, is MatMul, is Identity: break
    case is FakeQuantize:
      throw ONNXError(node: node.name, "a fake quantizer has no place in an fp32 file: lower the graph and write the lowered one")
    default: throw ONNXError(node: node.name, "the operator \(node.type) has no ONNX spelling")
    }
    self.node(node.type, name: node.name, inputs: inputs, outputs: node.outputs, attributes: attributes)
  }

  private static func attributes(_ window: Window) -> [ONNXAttributeProto] {
    [
      .ints("dilations", window.dilations), .ints("kernel_shape", window.kernel), .ints("pads", window.pads), .ints("strides", window.strides),
    ]
  }
}
