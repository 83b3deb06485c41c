import QATGraph
import QATONNX
import QATTensor
import Testing

/// One operator between the input `x` and the output `y`.
private func imported(
  _ type: String, input: [Any] = ["N", 3, 8, 8], opset: Int = 17, more inputs: [String] = [], _ attributes: [(String, ModelBytes.Attribute)] = [],
  outputs: [String] = ["y"], _ change: (inout ModelBytes) -> Void = { _ in }
) throws -> Graph {
  var model = ModelBytes(input: input)
  model.opset = opset
  change(&model)
  model.node(type, ["x"] + inputs, outputs, name: "n", attributes)
  return try ONNXFile.decode(model.bytes)
}

extension Graph {
  /// The last node's operator and its result's dimensions.
  fileprivate func last<Kind: Operator>(_: Kind.Type) throws -> (op: Kind, dimensions: [Dimension]) {
    let node = try #require(nodes.last)
    return (try #require(node.as(Kind.self)), try #require(try tensorTypes()[node.outputs[0]]).dimensions)
  }
}

@Suite("Operators of ONNX files") struct ONNXOperatorTests {
  @Test func aConvolutionTakesItsWindowFromAttributesAndWeight() throws {
    let attributes: [(String, ModelBytes.Attribute)] = [("strides", .ints([2, 1])), ("pads", .ints([0, 1, 2, 3])), ("group", .int(3))]
    let graph = try imported("Conv", more: ["w", "b"], attributes) {
      $0.weights("w", [6, 1, 3, 5])
      $0.weights("b", [6])
    }
    let (op, dimensions) = try graph.last(Convolution.self)
    #expect(op == Convolution(window: Window(kernel: [3, 5], strides: [2, 1], pads: [0, 1, 2, 3]), groups: 3))
    #expect(dimensions == [.batch, 6, 4, 8])
    #expect(graph.constants["w"]?.role == .parameter && graph.constants["b"]?.role == .parameter)
    #expect(graph.nodes[0].name == "n" && graph.nodes[0].inputs == ["x", "w", "b"] && graph.outputs == ["y"])
  }

  // Expected pads from the definition: out = ⌈in / stride⌉, total = (out − 1) · stride + reach − in, the odd one last (UPPER) or first (LOWER).
  @Test(arguments: [
    ("SAME_UPPER", 3, 2, [0, 0, 1, 1]), ("SAME_LOWER", 3, 2, [1, 1, 0, 0]), ("SAME_UPPER", 5, 1, [2, 2, 2, 2]), ("SAME_UPPER", 1, 3, [0, 0, 0, 0]),
    ("SAME_LOWER", 4, 1, [2, 2, 1, 1]), ("VALID", 3, 1, [0, 0, 0, 0]),
  ])
  func autoPadIsResolved(mode: String, kernel: Int, stride: Int, pads: [Int]) throws {
    let attributes: [(String, ModelBytes.Attribute)] = [
      ("auto_pad", .string(mode)), ("strides", .ints([stride, stride])), ("kernel_shape", .ints([kernel, kernel])),
    ]
    let conv = try imported("Conv", more: ["w"], attributes) { $0.weights("w", [2, 3, kernel, kernel]) }.last(Convolution.self)
    let pool = try imported("MaxPool", attributes).last(MaxPool.self)
    #expect(conv.op.window.pads == pads && pool.op.window.pads == pads)
    if mode != "VALID" { #expect(conv.dimensions[2] == .fixed((8 + stride - 1) / stride)) }
  }

  @Test func poolings() throws {
    let window: [(String, ModelBytes.Attribute)] = [("kernel_shape", .ints([3, 3])), ("strides", .ints([2, 2])), ("ceil_mode", .int(1))]
    let max = try imported("MaxPool", window + [("dilations", .ints([2, 1]))], outputs: ["y", "indices"]).last(MaxPool.self)
    #expect(max.op.window == Window(kernel: [3, 3], strides: [2, 2], dilations: [2, 1], roundsUp: true))
    let average = try imported("AveragePool", window + [("count_include_pad", .int(1))]).last(AveragePool.self)
    #expect(average.op.countsPadding && average.op.window.roundsUp && average.dimensions == [.batch, 3, 4, 4])
    #expect(try imported("GlobalAveragePool").last(GlobalAveragePool.self).dimensions == [.batch, 3, 1, 1])
  }

  @Test(arguments: [(7, ["y"]), (9, ["y", "m", "v", "sm", "sv"]), (14, ["y", "m", "v"]), (15, ["y"])])
  func batchNormalizationIsTakenInEveryForm(opset: Int, outputs: [String]) throws {
    let training: [(String, ModelBytes.Attribute)] = outputs.count == 3 ? [("training_mode", .int(1))] : []
    let graph = try imported(
      "BatchNormalization", opset: opset, more: ["g", "b", "mean", "var"], [("epsilon", .float(0.25))] + training, outputs: outputs
    ) {
      for name in ["g", "b", "mean", "var"] { $0.weights(name, [3]) }
    }
    #expect(try graph.last(BatchNormalization.self).op == BatchNormalization(epsilon: 0.25, momentum: 0.9))
    #expect(["g", "b", "mean", "var"].map { graph.constants[$0]?.role } == [.parameter, .parameter, .statistic, .statistic])
    #expect(graph.nodes[0].outputs == ["y"])
  }

  @Test func aTensorInTwoRolesIsCopied() throws {
    let graph = try imported("BatchNormalization", more: ["g", "b", "b", "g"]) {
      $0.weights("g", [3])
      $0.weights("b", [3])
    }
    #expect(Set(graph.nodes[0].inputs).count == 5)
    #expect(graph.nodes[0].inputs[1...].map { graph.constants[$0]?.role } == [.parameter, .parameter, .statistic, .statistic])
    #expect(graph.tensor(graph.nodes[0].inputs[4]) == graph.tensor("g"))
  }

  @Test func activations() throws {
    #expect(try imported("Relu").last(Relu.self).dimensions == [.batch, 3, 8, 8])
    #expect(try imported("Sigmoid").last(Sigmoid.self).op == Sigmoid())
    #expect(try imported("HardSwish").last(HardSwish.self).op == HardSwish())
    #expect(try imported("LeakyRelu", [("alpha", .float(0.5))]).last(LeakyRelu.self).op.alpha == 0.5)
    #expect(try imported("LeakyRelu").last(LeakyRelu.self).op.alpha == 0.01)
    #expect(try imported("Dropout", opset: 11, [("ratio", .float(0.25))], outputs: ["y", "mask"]).last(Dropout.self).op.ratio == 0.25)
    #expect(try imported("Dropout", more: ["r"]) { $0.weights("r", [], [0.75]) }.last(Dropout.self).op.ratio == 0.75)
    #expect(try imported("Dropout").last(Dropout.self).op.ratio == 0.5)
  }

  @Test func clipTakesBoundsFromAttributesAndInputs() throws {
    #expect(try imported("Clip", opset: 6 + 1, [("min", .float(0)), ("max", .float(6))]).last(Clip.self).op == Clip(lower: 0, upper: 6))
    #expect(try imported("Clip", more: ["", "six"]) { $0.weights("six", [], [6]) }.last(Clip.self).op == Clip(upper: 6))
    let both = try imported("Clip", more: ["low", "high"]) {
      $0.node("Constant", [], ["low"], [("value_float", .float(-1))])
      $0.node("Constant", [], ["high"], [("value", .tensor(ModelBytes.tensor("", [], 1, raw: Float(1).bitPattern.littleBytes)))])
    }
    #expect(try both.last(Clip.self).op == Clip(lower: -1, upper: 1))
    #expect(both.constants.isEmpty)
  }

  @Test func softmaxBeforeOpset13FlattensWhatFollowsTheAxis() throws {
    #expect(try imported("Softmax", input: ["N", 10], opset: 11).last(Softmax.self).op.axis == 1)
    #expect(try imported("Softmax", input: ["N", 10, 1, 1], opset: 11).last(Softmax.self).op.axis == 1)
    #expect(try imported("Softmax").last(Softmax.self).op.axis == -1)
    let flattened = try imported("Softmax", opset: 11)
    #expect(flattened.nodes.map(\.type) == ["Reshape", "Softmax", "Reshape"])
    #expect(try flattened.tensorTypes()[flattened.nodes[1].outputs[0]]?.dimensions == [.batch, 192])
    #expect(try flattened.last(Reshape.self).dimensions == [.batch, 3, 8, 8])
    let error = #expect(throws: ONNXError.self) { try imported("LogSoftmax", opset: 11, [("axis", .int(0))]) }
    #expect(error?.unsupported.first?.type == "LogSoftmax")
  }

  @Test func sumsAndProductsWithConstants() throws {
    let half = { (model: inout ModelBytes) in model.weights("c", [1], [4]) }
    #expect(try imported("Add", more: ["c"], [], half).constants["c"]?.role == .fixed)
    #expect(try imported("Mul", more: ["x"]).last(Mul.self).dimensions == [.batch, 3, 8, 8])
    let difference = try imported("Sub", more: ["c"], [], half)
    #expect(difference.nodes[0].type == "Add" && difference.tensor(difference.nodes[0].inputs[1])?.floats == [-4])
    let quotient = try imported("Div", more: ["c"], [], half)
    #expect(quotient.nodes[0].type == "Mul" && quotient.tensor(quotient.nodes[0].inputs[1])?.floats == [0.25])
  }

  @Test(arguments: [13, 18]) func reduceMean(opset: Int) throws {
    let graph = try imported(
      "ReduceMean", opset: opset, more: opset < 18 ? [] : ["axes"], (opset < 18 ? [("axes", .ints([2, 3]))] : []) + [("keepdims", .int(0))]
    ) {
      if opset >= 18 { $0.integers("axes", [2, 3]) }
    }
    let (op, dimensions) = try graph.last(ReduceMean.self)
    #expect(op == ReduceMean(axes: [2, 3], keepsDimensions: false) && dimensions == [.batch, 3])
  }

  @Test func matrixProducts() throws {
    let gemm = try imported("Gemm", input: ["N", 4], more: ["w", "c"], [("transB", .int(1)), ("alpha", .float(0.5)), ("beta", .float(2))]) {
      $0.weights("w", [5, 4])
      $0.weights("c", [5])
    }
    #expect(try gemm.last(Gemm.self).op == Gemm(alpha: 0.5, beta: 2, transposesB: true))
    #expect(gemm.constants["w"]?.role == .parameter && gemm.constants["c"]?.role == .parameter)
    let folded = try imported("MatMul", input: ["N", 7, 2], more: ["t"]) {
      $0.weights("w", [3, 2], [1, 2, 3, 4, 5, 6])
      $0.node("Transpose", ["w"], ["t"], [("perm", .ints([1, 0]))])
    }
    #expect(folded.constants["t"]?.tensor == Tensor([1, 3, 5, 2, 4, 6], shape: [2, 3]))
    #expect(try folded.last(MatMul.self).dimensions == [.batch, 7, 3])
  }

  @Test func layout() throws {
    #expect(try imported("Flatten").last(Flatten.self).dimensions == [.batch, 192])
    #expect(try imported("Transpose", [("perm", .ints([0, 2, 3, 1]))]).last(Transpose.self).dimensions == [.batch, 8, 8, 3])
    #expect(try imported("Concat", more: ["x"], [("axis", .int(1))]).last(Concat.self).dimensions == [.batch, 6, 8, 8])
    #expect(try imported("Squeeze", input: ["N", 3, 1, 1], opset: 11, [("axes", .ints([2, 3]))]).last(Reshape.self).dimensions == [.batch, 3])
    let unsqueezed = try imported("Unsqueeze", input: ["N", 3], more: ["axes"]) { $0.integers("axes", [-1, 1]) }
    #expect(try unsqueezed.last(Reshape.self).dimensions == [.batch, 1, 3, 1])
  }

  @Test(arguments: [
    ([0, -1], ["N", 3, 8, 8] as [any Sendable]), ([-1, 192], ["N", 3, 8, 8]), ([1, 192], [1, 3, 8, 8]), ([1, -1], [1, 3, 8, 8]),
    ([16, -1], [16, 3, 8, 8]),
  ])
  func reshapeKeepsTheBatch(target: [Int], input: [any Sendable]) throws {
    let graph = try imported("Reshape", input: input, more: ["s"]) { $0.integers("s", target) }
    #expect(graph.inputs[0].type.dimensions == [.batch, 3, 8, 8])
    #expect(try graph.last(Reshape.self).dimensions == [.batch, 192])
  }

  @Test func identitiesVanishExceptAtTheEnd() throws {
    let graph = try imported("Relu") {
      $0.node("Identity", ["x"], ["i"])
      $0.node("Cast", ["i"], ["c"], [("to", .int(1))])
      $0.node("Sigmoid", ["c"], ["s"])
      $0.outputs = []
      var other = ModelBytes(output: "end")
      other.node("Identity", ["s"], ["end"])
      $0.outputs = other.outputs
      $0.nodes += other.nodes
    }
    #expect(graph.nodes.map(\.type) == ["Sigmoid", "Identity"])
    #expect(graph.nodes[0].inputs == ["x"] && graph.outputs == ["end"])
  }

  @Test(arguments: [("Mul", "Div"), ("Div", "Mul")]) func theHardSwishIsRecognised(first: String, second: String) throws {
    var model = ModelBytes()
    model.weights("three", [], [3])
    model.weights("zero", [], [0])
    model.weights("six", [], [6])
    model.node("Add", ["x", "three"], ["sum"])
    model.node("Clip", ["sum", "zero", "six"], ["gate"])
    model.node(first, first == "Mul" ? ["x", "gate"] : ["gate", "six"], ["z"])
    model.node(second, second == "Mul" ? ["x", "z"] : ["z", "six"], ["y"])
    let swish = try ONNXFile.decode(model.bytes)
    #expect(swish.nodes.map(\.type) == ["HardSwish"])
    #expect(swish.nodes[0].inputs == ["x"] && swish.constants.isEmpty)
  }
}
