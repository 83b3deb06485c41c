import Foundation
import QATGraph
import QATONNX
import QATTensor
import Testing

/// A network of `op` alone, from `x` of the given dimensions to `y`.
func network(
  _ op: any Operator, _ dimensions: [QATGraph.Dimension] = [.batch, 4, 6, 6], constants: [(String, [Int], Graph.Constant.Role)] = []
)
  -> Graph
{
  var graph = Graph(name: "one", inputs: [.init(name: "x", type: TensorType(dimensions))], outputs: ["y"])
  for (name, shape, role) in constants { graph.constants[name] = .init(Tensor(repeating: 0.5, shape: shape), role) }
  graph.nodes = [Node(name: "n", op: op, inputs: ["x"] + constants.map(\.0), outputs: ["y"])]
  return graph
}

/// A network of `op` alone, with `x` as both operands.
private func twice(_ op: any Operator) -> Graph {
  var graph = network(op)
  graph.nodes[0].inputs = ["x", "x"]
  return graph
}

/// A network of one change of size.
private func resized(_ change: (inout Resize) -> Void) -> Graph {
  var op = Resize(.scales([1, 1, 0.5, 2]), .linear)
  change(&op)
  return network(op)
}

/// A pooling that says where its maxima stand.
private func located(_ places: MaxPool.Places) -> Graph {
  var graph = network(MaxPool(window: Window(square: 2), places: places))
  graph.nodes[0].outputs = ["y", "places"]
  graph.outputs = ["y", "places"]
  return graph
}

/// What `ONNXFile.write` and `read` make of a graph.
private func reread(_ graph: Graph) throws -> Graph {
  let path = NSTemporaryDirectory() + "onnx-\(UUID().uuidString).onnx"
  defer { try? FileManager.default.removeItem(atPath: path) }
  try ONNXFile.write(graph, to: path)
  return try ONNXFile.read(contentsOf: path)
}

@Suite("Writing ONNX files") struct ONNXExportTests {
  private static let window = Window(kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1])

  static let networks: [Graph] = [
    network(
      Convolution(window: Window(kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2]), groups: 2),
      constants: [("w", [6, 2, 3, 2], .parameter), ("b", [6], .parameter)]),
    network(
      BatchNormalization(epsilon: 0.001, momentum: 0.75),
      constants: [("g", [4], .parameter), ("b", [4], .parameter), ("m", [4], .statistic), ("v", [4], .statistic)]),
    network(Relu()), network(Clip(lower: 0, upper: 6)), network(Clip(upper: 1)), network(Clip(lower: -1)), network(LeakyRelu(alpha: 0.3)),
    network(Sigmoid()),
    network(HardSwish()), network(Softmax(axis: 1)), network(Dropout(ratio: 0.25)), network(Identity()),
    network(Add(), constants: [("c", [4, 1, 1], .fixed)]), network(Mul(), constants: [("c", [1], .fixed)]), network(Concat(axis: 1), constants: []),
    network(MaxPool(window: Window(kernel: [3, 3], strides: [2, 2], dilations: [2, 1], roundsUp: true))),
    network(AveragePool(window: window, countsPadding: true)),
    network(GlobalAveragePool()), network(ReduceMean(axes: [2, -1], keepsDimensions: false)),
    network(Gemm(alpha: 0.5, beta: 2, transposesB: true), [.batch, 4], constants: [("w", [3, 4], .parameter), ("c", [3], .parameter)]),
    network(MatMul(), [.batch, 5, 4], constants: [("w", [4, 3], .parameter)]), network(Flatten(axis: 2)), network(Reshape(shape: [0, 2, -1])),
    network(Transpose(permutation: [0, 3, 1, 2])),
    twice(Sub()), twice(Div()), network(Pow(), constants: [("e", [], .fixed)]),
    network(PRelu(), constants: [("slope", [4, 1, 1], .parameter)]), network(Max(), constants: [("c", [4, 1, 1], .fixed), ("d", [6], .fixed)]),
    network(Min(), constants: [("c", [1], .fixed)]), network(Mean(), constants: [("c", [4, 1, 1], .fixed)]), network(LogSoftmax(axis: 2)),
    network(ReduceSum(axes: [1])), network(ReduceProd(axes: [-1, 2], keepsDimensions: false)), network(ReduceMax(axes: [1])),
    network(ReduceMin(axes: [1, 2])),
    network(ReduceL1(axes: [3])), network(ReduceL2(axes: [1], keepsDimensions: false)), network(ReduceSumSquare(axes: [1])),
    network(ReduceLogSum(axes: [1])), network(ReduceLogSumExp(axes: [1, -1])),
    network(LayerNormalization(axis: -2, epsilon: 0.25), constants: [("s", [6, 6], .parameter), ("b", [6, 6], .parameter)]),
    network(LayerNormalization(), constants: [("s", [6], .parameter)]),
    network(InstanceNormalization(epsilon: 0.125), constants: [("s", [4], .parameter), ("b", [4], .parameter)]),
    network(GroupNormalization(groups: 2, epsilon: 0.125), constants: [("s", [4], .parameter), ("b", [4], .parameter)]),
    network(LocalResponseNormalization(size: 5, alpha: 0.5, beta: 0.25, bias: 2)),
    network(
      ConvolutionTranspose(
        window: Window(kernel: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2]), groups: 2, outputPadding: [1, 0]),
      constants: [("w", [4, 3, 3, 2], .parameter), ("b", [6], .parameter)]),
    network(Convolution(window: Window(kernel: [3], pads: [1, 0])), [.batch, 4, 9], constants: [("w", [2, 4, 3], .parameter)]),
    network(MaxPool(window: Window(kernel: [2, 1, 2])), [.batch, 4, 5, 5, 5]), network(GlobalMaxPool()), network(LpPool(window: window, p: 3)),
    network(LpPool(window: Window(kernel: [2, 2], dilations: [2, 1], roundsUp: true))),
    network(AveragePool(window: Window(kernel: [2, 2], dilations: [2, 1]))),
    network(Resize(.scales([1, 1, 2, 2.5]), .nearest(.floor), .asymmetric)), network(Resize(.scales([1, 1, 2, 2]), .linear)),
    network(Resize(.scales([1, 1, 2, 2]), .cubic(coefficient: -0.5, excludesOutside: true), .alignCorners)),
    network(Resize(.scales([1, 1, 2, 1]), .linear, .halfPixelSymmetric)),
    network(Resize(.sizes([nil, nil, 13, nil]), .nearest(.preferCeil), .pytorchHalfPixel), [.batch, 4, 11, 6]),
    network(Exp()), network(Log()), network(Sqrt()), network(Reciprocal()), network(Neg()), network(Abs()), network(Tanh()), network(Erf()),
    network(Sin()), network(Cos()), network(Floor()), network(Ceil()), network(Round()), network(Sign()),
    network(RMSNormalization(epsilon: 0.25), constants: [("s", [6], .parameter)]),
    network(RMSNormalization(axisCount: 2), constants: [("s", [6, 6], .parameter)]),
    resized { $0.antialiases = true },
    resized {
      $0.extent = .sizes([nil, nil, 5, 9])
      $0.aspectRatio = .notLarger
    },
    located(.rowMajor), located(.columnMajor), twice(Mod()),
    resized {
      $0.coordinates = .cropAndResize
      $0.region = Resize.Region(starts: [0, 0, 0.25, 0], ends: [1, 1, 0.5, 1], filling: 2)
    },
    network(Elu(alpha: 0.5)), network(Selu(alpha: 1.5, gamma: 0.5)), network(Celu(alpha: 2)), network(ThresholdedRelu(alpha: 0.25)),
    network(HardSigmoid(alpha: 0.25, beta: 0.75)), network(Gelu()), network(Gelu(approximation: .tanh)), network(Swish()), network(Swish(alpha: 1.5)),
    network(Mish()), network(Softplus()), network(Softsign()),
  ]

  @Test(arguments: networks + movements) func everyOperatorSurvives(graph: Graph) throws {
    let again = try reread(graph)
    #expect(again.nodes.map(\.described) == graph.nodes.map(\.described))
    #expect(again.constants == graph.constants && again.inputs == graph.inputs && again.outputs == graph.outputs)
  }

  @Test func everyOperatorOfTheGraphIsTested() {
    let tested = Set((Self.networks + Self.movements).flatMap(\.nodes).map(\.type))
    #expect(Set(allOperators.map { $0.type }).subtracting(tested) == [FakeQuantize.type, RoundBias.type])
  }

  @Test func fakeQuantizersBelongIntoTheQuantizedFile() {
    let graph = network(FakeQuantize(mode: .symmetric(signed: true)), constants: [("s", [1], .parameter)])
    let error = #expect(throws: ONNXError.self) { try ONNXFile.write(graph, to: NSTemporaryDirectory() + "never.onnx") }
    #expect(error?.node == "n" && error?.description.contains("lower") == true)
    #expect(!FileManager.default.fileExists(atPath: NSTemporaryDirectory() + "never.onnx"))
  }

  @Test func aFailureLeavesTheOldFileAsItWas() throws {
    let path = NSTemporaryDirectory() + "onnx-\(UUID().uuidString).onnx"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXFile.write(network(Relu()), to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    var broken = network(Relu())
    broken.outputs = ["nothing"]
    #expect(throws: ONNXError.self) { try ONNXFile.write(broken, to: path) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    let error = #expect(throws: ONNXError.self) { try ONNXFile.write(network(Relu()), to: "/nowhere/x.onnx") }
    #expect(error?.file == "/nowhere/x.onnx")
  }

  @Test func helperTensorsNeverMeetTensorsOfTheGraph() throws {
    var graph = network(Add(), constants: [("clip/max", [1], .fixed)])
    graph.nodes.insert(Node(name: "clip", op: Clip(upper: 6), inputs: ["x"], outputs: ["clip/max_1"]), at: 0)
    graph.nodes[1].inputs[0] = "clip/max_1"
    let again = try reread(graph)
    #expect(again.nodes.map(\.described) == graph.nodes.map(\.described) && again.constants == graph.constants)
  }
}
