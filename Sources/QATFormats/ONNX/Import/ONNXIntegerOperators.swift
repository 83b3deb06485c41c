import QATGraph

/// Operators that take and give integers with their scales (QOperator form): each is the float operator between DequantizeLinear and QuantizeLinear, and is
/// read as such. Sources: ONNX operators QLinearConv and QLinearMatMul; ONNX Runtime's contributed operators.
struct ONNXIntegerOperators {
  /// Writes the formula of a node.
  typealias Formula = @Sendable (inout ONNXIntegerOperators) throws(ONNXError) -> Void

  /// The formula so far.
  private(set) var nodes: [ONNXNodeProto] = []
  /// Names in use.
  private(set) var names: UniqueNames
  private let call: ONNXNodeProto

  init(_ call: ONNXNodeProto, names: UniqueNames) {
    self.call = call
    self.names = names
  }

  /// Formulas by operator type, those of other domains as `domain::type`.
  static let formulas: [String: Formula] = [
    "QLinearConv": { formula throws(ONNXError) in
      var inputs = [formula.dequantized(0), formula.dequantized(3, axis: 0)]
      if formula.has(8) { inputs.append(formula.bias(8, scales: (1, 4))) }
      formula.quantized(formula.operation("Conv", inputs), 6)
    },
    "QLinearMatMul": { formula throws(ONNXError) in
      formula.quantized(formula.operation("MatMul", [formula.dequantized(0), formula.dequantized(3, axis: -1)]), 6)
    },
    "com.microsoft::QGemm": { formula throws(ONNXError) in
      let transposesB = formula.call.attribute.contains { $0.name == "transB" && $0.i != 0 }
      var inputs = [formula.dequantized(0), formula.dequantized(3, axis: transposesB ? 0 : 1)]
      if formula.has(6) { inputs.append(formula.bias(6, scales: (1, 4))) }
      let result = formula.operation("Gemm", inputs)
      if formula.has(7) { formula.quantized(result, 7) } else { formula.returnLast() }
    },
    "com.microsoft::QLinearAdd": pair("Add"),
    "com.microsoft::QLinearMul": pair("Mul"),
    "com.microsoft::QLinearSigmoid": single("Sigmoid"),
    "com.microsoft::QLinearLeakyRelu": single("LeakyRelu"),
    "com.microsoft::QLinearSoftmax": single("Softmax"),
    "com.microsoft::QLinearAveragePool": single("AveragePool"),
    "com.microsoft::QLinearGlobalAveragePool": single("GlobalAveragePool"),
    "com.microsoft::QLinearReduceMean": single("ReduceMean"),
    "com.microsoft::QLinearConcat": { formula throws(ONNXError) in
      let inputs = stride(from: 2, to: formula.call.input.count, by: 3).map { formula.dequantized($0) }
      formula.quantized(formula.operation("Concat", inputs), 0)
    },
  ]

  private static func pair(_ type: String) -> Formula {
    { formula throws(ONNXError) in formula.quantized(formula.operation(type, [formula.dequantized(0), formula.dequantized(3)]), 6) }
  }

  private static func single(_ type: String) -> Formula {
    { formula throws(ONNXError) in
      if formula.call.attribute.contains(where: { $0.name == "channels_last" && $0.i != 0 }) {
        throw ONNXError(
          unsupported: [
            .init(type: formula.call.opType, domain: formula.call.domain, node: formula.call.name, opset: 1, reason: "with channels last")
          ])
      }
      formula.quantized(formula.operation(type, [formula.dequantized(0)]), 3)
    }
  }

  private func has(_ index: Int) -> Bool { !input(index).isEmpty }
  private func input(_ index: Int) -> String { index < call.input.count ? call.input[index] : "" }

  /// The input at `index` in floating point; scale and zero-point are the two inputs behind it.
  private mutating func dequantized(_ index: Int, axis: Int? = nil) -> String {
    append("DequantizeLinear", [input(index), input(index + 1), input(index + 2)], axis.map { [.int("axis", $0)] } ?? [])
  }

  /// The int32 bias at `index`, in steps of the product of two scales.
  private mutating func bias(_ index: Int, scales: (Int, Int)) -> String {
    let scale = append("Mul", [input(scales.0), input(scales.1)])
    return append("DequantizeLinear", [input(index), scale], [.int("axis", 0)])
  }

  /// The float operator, with the attributes of the call that it knows.
  private mutating func operation(_ type: String, _ inputs: [String]) -> String {
    append(type, inputs, call.attribute.filter { $0.name != "channels_last" }, name: call.name)
  }

  /// The call's output: codes of `x`; scale and zero-point are the inputs at `index` and behind it.
  private mutating func quantized(_ x: String, _ index: Int) {
    append("QuantizeLinear", [x, input(index), input(index + 1)], output: call.output.first)
  }

  /// Lets the last node make the call's output, in floating point.
  private mutating func returnLast() { nodes[nodes.count - 1].output = call.output }

  @discardableResult
  private mutating func append(
    _ type: String, _ inputs: [String], _ attributes: [ONNXAttributeProto] = [], name: String? = nil, output: String? = nil
  ) -> String {
    var node = ONNXNodeProto()
    node.opType = type
    node.name = name ?? names.next("\(call.name.isEmpty ? call.opType : call.name)/\(type)")
    node.input = inputs
    node.attribute = attributes
    let result = output ?? names.next("\(node.name.isEmpty ? type : node.name)/output")
    node.output = [result]
    nodes.append(node)
    return result
  }
}
