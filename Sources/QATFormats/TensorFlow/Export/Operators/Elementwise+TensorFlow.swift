import QATGraph
import QATTensor

extension Relu: TensorFlowElementwise {}
extension Sigmoid: TensorFlowElementwise {}
extension Softplus: TensorFlowElementwise {}
extension Softsign: TensorFlowElementwise {}
extension Exp: TensorFlowElementwise {}
extension Log: TensorFlowElementwise {}
extension Sqrt: TensorFlowElementwise {}
extension Reciprocal: TensorFlowElementwise {}
extension Neg: TensorFlowElementwise {}
extension Abs: TensorFlowElementwise {}
extension Tanh: TensorFlowElementwise {}
extension Erf: TensorFlowElementwise {}

extension Add: TensorFlowElementwise {
  var tensorFlowType: String { "AddV2" }
}

extension Mul: TensorFlowElementwise {}
extension Sub: TensorFlowElementwise {}
extension Pow: TensorFlowElementwise {}

extension Div: TensorFlowElementwise {
  var tensorFlowType: String { "RealDiv" }
}

extension LeakyRelu: TensorFlowElementwise {
  var attributes: [TFAttrEntry] { [.float("alpha", alpha)] }
}

/// An operator that TensorFlow spells as a formula of one tensor.
protocol TensorFlowFormula: TensorFlowWritable {
  /// The formula; its last step makes the output of the node.
  var formula: [FormulaStep] { get }
}

extension TensorFlowFormula {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (x, layout) = try writer.input(node)
    var made: [String] = []
    for (index, step) in formula.enumerated() {
      var inputs: [String] = []
      for argument in step.arguments {
        switch argument {
        case .x: inputs.append(x)
        case .step(let index): inputs.append(made[index])
        case .number(let value): inputs.append(writer.number(value, "number", node))
        }
      }
      if index == formula.count - 1 {
        writer.emitFloat(step.type, inputs, layout, node)
      } else {
        made.append(writer.floatHelper(step.type, inputs, "step", node))
      }
    }
  }
}

/// A step of a formula: an operator of TensorFlow on x, earlier steps and numbers.
struct FormulaStep {
  enum Argument {
    case x
    case step(Int)
    case number(Float)
  }

  var type: String
  var arguments: [Argument]

  init(_ type: String, _ arguments: Argument...) {
    self.type = type
    self.arguments = arguments
  }
}

extension Clip: TensorFlowFormula {
  var formula: [FormulaStep] {
    if lower == 0, upper == 6 { return [.init("Relu6", .x)] }
    if lower == 0, upper == .infinity { return [.init("Relu", .x)] }
    if upper == .infinity { return [.init("Maximum", .x, .number(lower))] }
    if lower == -.infinity { return [.init("Minimum", .x, .number(upper))] }
    return [.init("Maximum", .x, .number(lower)), .init("Minimum", .step(0), .number(upper))]
  }
}

extension HardSwish: TensorFlowFormula {
  var formula: [FormulaStep] {
    [
      .init("AddV2", .x, .number(3)), .init("Relu6", .step(0)), .init("Mul", .x, .step(1)), .init("Mul", .step(2), .number(1 / 6)),
    ]
  }
}

extension HardSigmoid: TensorFlowFormula {
  var formula: [FormulaStep] {
    [
      .init("Mul", .x, .number(alpha)), .init("AddV2", .step(0), .number(beta)), .init("Maximum", .step(1), .number(0)),
      .init("Minimum", .step(2), .number(1)),
    ]
  }
}

extension Elu: TensorFlowFormula {
  /// TensorFlow's has the factor 1; any other is that of its negative part.
  var formula: [FormulaStep] {
    if alpha == 1 { return [.init("Elu", .x)] }
    return [
      .init("Relu", .x), .init("Minimum", .x, .number(0)), .init("Elu", .step(1)), .init("Mul", .step(2), .number(alpha)),
      .init("AddV2", .step(0), .step(3)),
    ]
  }
}

extension Selu: TensorFlowFormula {
  var formula: [FormulaStep] {
    if self == Selu() { return [.init("Selu", .x)] }
    return Elu(alpha: alpha).formula + [.init("Mul", .step(alpha == 1 ? 0 : 4), .number(gamma))]
  }
}

extension Celu: TensorFlowFormula {
  /// alpha · elu(x / alpha).
  var formula: [FormulaStep] {
    [.init("Mul", .x, .number(1 / alpha)), .init("Elu", .step(0)), .init("Mul", .step(1), .number(alpha))]
  }
}

extension Swish: TensorFlowFormula {
  var formula: [FormulaStep] {
    if alpha == 1 { return [.init("Sigmoid", .x), .init("Mul", .x, .step(0))] }
    return [.init("Mul", .x, .number(alpha)), .init("Sigmoid", .step(0)), .init("Mul", .x, .step(1))]
  }
}

extension Mish: TensorFlowFormula {
  var formula: [FormulaStep] {
    [.init("Softplus", .x), .init("Tanh", .step(0)), .init("Mul", .x, .step(1))]
  }
}

extension Gelu: TensorFlowFormula {
  var formula: [FormulaStep] {
    if approximation == .none {
      return [
        .init("Mul", .x, .number(Float(0.5.squareRoot()))), .init("Erf", .step(0)), .init("AddV2", .step(1), .number(1)),
        .init("Mul", .x, .step(2)), .init("Mul", .step(3), .number(0.5)),
      ]
    }
    return [
      .init("Mul", .x, .x), .init("Mul", .step(0), .number(0.044715)), .init("AddV2", .step(1), .number(1)), .init("Mul", .x, .step(2)),
      .init("Mul", .step(3), .number(Float((2 / Double.pi).squareRoot()))), .init("Tanh", .step(4)), .init("AddV2", .step(5), .number(1)),
      .init("Mul", .x, .step(6)), .init("Mul", .step(7), .number(0.5)),
    ]
  }
}

extension Identity: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitIdentity(node) }
}

/// In a frozen graph nothing is dropped.
extension Dropout: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitIdentity(node) }
}

extension PRelu: TensorFlowWritable {
  /// max(x, 0) + slope · min(x, 0).
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (inputs, layout) = try writer.operands(node)
    let positive = writer.floatHelper("Relu", [inputs[0]], "positive", node)
    let negative = writer.floatHelper("Minimum", [inputs[0], writer.number(0, "zero", node)], "negative", node)
    let scaled = writer.floatHelper("Mul", [negative, inputs[1]], "scaled", node)
    writer.emitFloat("AddV2", [positive, scaled], layout, node)
  }
}

extension Softmax: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitLine("Softmax", axis: axis, node) }
}

extension LogSoftmax: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitLine("LogSoftmax", axis: axis, node) }
}

/// Operators on any number of tensors, two by two.
extension Max: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitChain("Maximum", node) }
}

extension Min: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) { try writer.emitChain("Minimum", node) }
}

extension Mean: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let (inputs, layout) = try writer.operands(node)
    var sum = inputs[0]
    for input in inputs.dropFirst() { sum = writer.floatHelper("AddV2", [sum, input], "sum", node) }
    writer.emitFloat("Mul", [sum, writer.number(1 / Float(inputs.count), "share", node)], layout, node)
  }
}

extension TensorFlowWriter {
  fileprivate mutating func emitIdentity(_ node: Node) throws(TensorFlowError) {
    let (x, layout) = try input(node)
    emit("Identity", [x], layout, node, [.type("T", type(of: node.inputs[0]).elementType.tensorFlowType)])
  }

  fileprivate mutating func emitChain(_ type: String, _ node: Node) throws(TensorFlowError) {
    let (inputs, layout) = try operands(node)
    guard inputs.count > 1 else { return try emitIdentity(node) }
    var result = inputs[0]
    for input in inputs[1..<inputs.count - 1] { result = floatHelper(type, [result, input], "step", node) }
    emitFloat(type, [result, inputs[inputs.count - 1]], layout, node)
  }

  /// An operator that TensorFlow has along the last axis alone.
  fileprivate mutating func emitLine(_ type: String, axis: Int, _ node: Node) throws(TensorFlowError) {
    let rank = self.type(of: node.inputs[0]).rank
    let axis = axis < 0 ? axis + rank : axis
    if layout(of: node.inputs[0]) == .channelsLast, axis == 1 { return emitFloat(type, [try image(node.inputs[0])], .channelsLast, node) }
    let x = try plain(node.inputs[0])
    if axis == rank - 1 { return emitFloat(type, [x], .plain, node) }
    var permutation = Array(0..<rank)
    permutation.swapAt(axis, rank - 1)
    let order = integers(permutation, "perm", node)
    let moved = floatHelper("Transpose", [x, order], "moved", node, [.type("Tperm", .dtInt32)])
    let lines = floatHelper(type, [moved], "lines", node)
    emitFloat("Transpose", [lines, order], .plain, node, [.type("Tperm", .dtInt32)])
  }
}
