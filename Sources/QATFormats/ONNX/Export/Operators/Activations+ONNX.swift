import QATGraph
import QATTensor

extension Relu: ONNXWritable {}
extension Sigmoid: ONNXWritable {}
extension Identity: ONNXWritable {}

extension HardSwish: ONNXWritable {
  static var firstOpset: Int { 14 }
}

extension LeakyRelu: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha)] }
}

extension Clip: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    builder.append(
      node,
      with: [
        ("min", lower == -.infinity ? nil : Tensor([lower], shape: [])), ("max", upper == .infinity ? nil : Tensor([upper], shape: [])),
      ])
  }
}

extension Softmax: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension LogSoftmax: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.int("axis", axis)] }
}

extension PRelu: ONNXWritable {}

extension Dropout: ONNXWritable {
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    builder.append(node, with: [("ratio", Tensor([ratio], shape: []))])
  }
}

extension Elu: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha)] }
}

extension Selu: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha), .float("gamma", gamma)] }
}

extension Celu: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha)] }
}

extension ThresholdedRelu: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha)] }
}

extension HardSigmoid: ONNXWritable {
  var attributes: [ONNXAttributeProto] { [.float("alpha", alpha), .float("beta", beta)] }
}

extension Gelu: ONNXWritable {
  static var firstOpset: Int { 20 }
  var attributes: [ONNXAttributeProto] { approximation == .none ? [] : [.string("approximate", approximation.rawValue)] }
}

extension Mish: ONNXWritable {
  static var firstOpset: Int { 18 }
}

extension Softplus: ONNXWritable {}
extension Softsign: ONNXWritable {}

extension Swish: ONNXWritable {
  /// The operator of opset 24 is too new for most runtimes: x · Sigmoid(alpha · x), which importers recognise.
  func write(_ node: Node, to builder: inout ONNXModelBuilder) throws(ONNXError) {
    let x = node.inputs[0]
    var scaled = x
    if alpha != 1 {
      scaled = builder.uniqueName("\(node.name)/scaled")
      let factor = builder.constant("\(node.name)/alpha", Tensor([alpha], shape: []))
      builder.node("Mul", name: scaled, inputs: [x, factor], outputs: [scaled])
    }
    let gate = builder.uniqueName("\(node.name)/gate")
    builder.node("Sigmoid", name: gate, inputs: [scaled], outputs: [gate])
    builder.node("Mul", name: node.name, inputs: [x, gate], outputs: node.outputs)
  }
}
