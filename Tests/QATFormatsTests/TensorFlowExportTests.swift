import Foundation
import QATEngine
import QATGraph
import QATLowering
import QATTensor
import Testing

@testable import QATTensorFlow

/// What `TensorFlowFile.write` and `read` make of a graph.
private func reread(_ graph: Graph, metadata: [String: String] = [:]) throws -> Graph {
  try TensorFlowFile.decode(Array(TensorFlowFile.encode(graph, nil, metadata: metadata)))
}

/// What a graph computes of numbers that are the same in every run.
private func computed(_ graph: Graph) throws -> [Float] {
  var random = SeededGenerator(seed: 5)
  var executor = try ReferenceExecutor<Float>(graph, batchSize: 2)
  var inputs: [TensorName: NDArray<Float>] = [:]
  for input in graph.inputs {
    let shape = input.type.shape(batchSize: 2)
    // Positive, so that logarithms and powers are numbers.
    inputs[input.name] = NDArray((0..<shape.reduce(1, *)).map { _ in Float.random(in: 0.1...1.5, using: &random) }, shape: shape)
  }
  return try executor.forward(inputs, mode: .evaluation)[graph.outputs[0]]?.elements ?? []
}

@Suite("Writing TensorFlow graphs") struct TensorFlowExportTests {
  /// The operators that TensorFlow has no spelling for here: writing them is refused.
  private static let unwritten: Set = [
    "Ceil", "Cos", "FakeQuantize", "Floor", "GatherElements", "GatherND", "GroupNormalization", "InstanceNormalization", "IsNaN", "LRN",
    "LpPool", "Mod", "RMSNormalization", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "Round", "RoundBias",
    "ScatterElements", "ScatterND", "Sign", "Sin", "ThresholdedRelu", "Trilu",
  ]

  @Test func everyOtherOperatorHasASpelling() {
    #expect(Set(allOperators.filter { !($0 is any TensorFlowWritable.Type) || $0.type == "FakeQuantize" }.map { $0.type }) == Self.unwritten)
  }

  @Test(arguments: ONNXExportTests.networks + ONNXExportTests.movements) func anOperatorComputesTheSameBehindAFileOrIsRefused(graph: Graph) throws {
    guard graph.inputs.allSatisfy({ $0.type.elementType == .float32 }) else { return }
    do {
      let again = try reread(graph)
      let (ours, theirs) = (try computed(graph), try computed(again))
      #expect(ours.count == theirs.count && zip(ours, theirs).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($0)) || ($0.isNaN && $1.isNaN) })
      #expect(again.inputs == graph.inputs && again.outputs == graph.outputs)
    } catch let error as TensorFlowError {
      #expect(error.node == "n" && !error.reason.isEmpty, "\(error)")
    }
  }

  /// x → convolution with bias → batch norm → ReLU → flatten → linear layer.
  private static var classifier: Graph {
    var graph = Graph(name: "net", inputs: [.init(name: "image", type: TensorType([.batch, 3, 6, 4]))], outputs: ["scores"])
    func values(_ shape: [Int], _ role: Graph.Constant.Role) -> Graph.Constant {
      .init(Tensor((0..<shape.reduce(1, *)).map { Float($0 % 13) / 8 - 0.7 }, shape: shape), role)
    }
    graph.constants = [
      "conv/w": values([5, 3, 3, 3], .parameter), "conv/b": values([5], .parameter), "gamma": values([5], .parameter),
      "beta": values([5], .parameter),
      "mean": values([5], .statistic), "variance": .init(Tensor(repeating: 1.5, shape: [5]), .statistic), "fc/w": values([2, 120], .parameter),
      "fc/b": values([2], .parameter),
    ]
    graph.nodes = [
      Node(name: "conv", op: Convolution(window: Window(square: 3, pad: 1)), inputs: ["image", "conv/w", "conv/b"], outputs: ["features"]),
      Node(
        name: "norm", op: BatchNormalization(epsilon: 1e-3, momentum: 0.99), inputs: ["features", "gamma", "beta", "mean", "variance"],
        outputs: ["normal"]),
      Node(name: "relu", op: Relu(), inputs: ["normal"], outputs: ["active"]),
      Node(name: "flat", op: Flatten(), inputs: ["active"], outputs: ["rows"]),
      Node(name: "fc", op: Gemm(transposesB: true), inputs: ["rows", "fc/w", "fc/b"], outputs: ["scores"]),
    ]
    return graph
  }

  @Test func namesAndConstantsSurvive() throws {
    let graph = try reread(Self.classifier)
    #expect(graph.nodes.map(\.type) == ["Conv", "BatchNormalization", "Relu", "Flatten", "Gemm"])
    #expect(graph.nodes.flatMap(\.outputs) == ["features", "normal", "active", "rows", "scores"])
    #expect(graph.nodes.map(\.name) == ["conv", "normal", "active", "rows", "fc"])
    for (name, constant) in Self.classifier.constants where name != "fc/w" { #expect(graph.constants[name] == constant, "\(name)") }
    #expect(graph.tensor("fc/w") == Self.classifier.tensor("fc/w")?.transposed([1, 0]))
  }

  /// Rows of a weight behind a flattened image are written in the order of NHWC, and a file holds no transposition of an image.
  @Test func flattenedImagesNeedNoTransposition() throws {
    let file = try TFGraphDef(serializedBytes: TensorFlowFile.encode(Self.classifier, nil))
    #expect(!file.node.contains { $0.op == "Transpose" })
    #expect(
      file.node.filter { $0.op != "Const" }.map(\.op) == [
        "Placeholder", "Conv2D", "BiasAdd", "FusedBatchNormV3", "Relu", "Reshape", "MatMul", "BiasAdd",
      ])
    #expect(try zip(computed(Self.classifier), computed(reread(Self.classifier))).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func equalGraphsGiveEqualBytesAndMetadataComesBack() throws {
    let path = NSTemporaryDirectory() + "tensorflow-\(UUID().uuidString).pb"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let metadata = ["b": "2 3", "a": "1"]
    try TensorFlowFile.write(Self.classifier, to: path, metadata: metadata)
    #expect(try Data(contentsOf: URL(filePath: path)) == TensorFlowFile.encode(Self.classifier, nil, metadata: metadata))
    #expect(try TensorFlowFile.metadata(contentsOf: path) == metadata)
    #expect(throws: TensorFlowError.self) { try TensorFlowFile.write(Self.classifier, to: "/nowhere/x.pb") }
  }

  @Test func namesThatTensorFlowForbidsAreReplaced() throws {
    var graph = Self.classifier
    graph.inputs[0].name = "image:0"
    graph.nodes[0].inputs[0] = "image:0"
    graph.nodes[4].outputs = ["Bewertung ü"]
    graph.outputs = ["Bewertung ü"]
    let again = try reread(graph)
    #expect(again.inputs.map(\.name) == ["image_0"] && again.outputs == ["Bewertung__"])
  }

  @Test func outputsThatOthersReadKeepNameAndOrder() throws {
    var graph = Self.classifier
    graph.outputs = ["scores", "active"]
    let again = try reread(graph)
    #expect(again.outputs == ["scores", "active"])
  }

  @Test func fakeQuantizersBelongIntoTheQuantizedFile() throws {
    let graph = network(FakeQuantize(mode: .symmetric(signed: true)), constants: [("s", [1], .parameter)])
    let error = #expect(throws: TensorFlowError.self) { try reread(graph) }
    #expect(error?.description.contains("lower the graph") == true)
  }

  // MARK: Quantized graphs

  @Test(arguments: ExampleNetwork.allCases, [false, true]) func aQuantizedFileHoldsTheSameIntegers(network: ExampleNetwork, halfRange: Bool) throws {
    let lowered = try lower(network.graph(halfRange: halfRange))
    let bytes = try TensorFlowFile.encode(lowered.simulation, lowered)
    let again = try lower(TensorFlowFile.decode(Array(bytes)))
    #expect(again.integerLayers.count == lowered.integerLayers.count && !lowered.integerLayers.isEmpty)
    for (first, second) in zip(lowered.integerLayers, again.integerLayers) {
      let (before, after) = (try #require(lowered.weights[first.weight]), try #require(again.weights[second.weight]))
      let isTransposed = before.channelAxis != after.channelAxis
      #expect(
        Tensor(shape: before.shape, elements: .int8(before.codes)).transposed(isTransposed ? [1, 0] : Array(before.shape.indices)).elements
          == .int8(after.codes))
      for (a, b) in zip(before.scales, after.scales) { #expect(abs(a - b) <= 2 * a.ulp) }
      #expect(lowered.activations[first.input].map { $0.zeroPoint } == again.activations[second.input].map { $0.zeroPoint })
    }
    // In TensorFlow's forms that OpenVINO executes on integers.
    let file = try TFGraphDef(serializedBytes: bytes)
    let constants = Set(file.node.filter { $0.op == "Const" }.map(\.name))
    let quantizers = file.node.filter { $0.op.hasPrefix("FakeQuant") && constants.contains($0.input[0]) }
    #expect(quantizers.count == lowered.weights.count)
    for node in quantizers {
      #expect(node.attr.first { $0.key == "num_bits" }?.value.i == 8 && node.attr.first { $0.key == "narrow_range" }?.value.b == true)
    }
  }
}

@Suite("TensorFlow's quantizers") struct TensorFlowQuantizerTests {
  /// Ranges and what TensorFlow 2.21 makes of them.
  @Test(
    arguments: [
      (-1.001, 2.0, 8, false, -1.000_333, 2.000_667), (0.5, 2, 8, false, 0, 1.5), (-1, 1, 8, true, -1, 1), (-2, -1, 4, false, -1, 0),
      (0, 6, 8, false, 0, 6),
    ] as [(Float, Float, Int, Bool, Float, Float)])
  func rangesAreNudgedAsTensorFlowNudgesThem(_ row: (low: Float, high: Float, bits: Int, isNarrow: Bool, nudgedLow: Float, nudgedHigh: Float)) throws
  {
    let quantizer = try #require(FileQuantizer(bits: row.bits, isNarrow: row.isNarrow, minima: [row.low], maxima: [row.high]))
    #expect(abs(quantizer.lows[0] - row.nudgedLow) < 1e-6 && abs(quantizer.highs[0] - row.nudgedHigh) < 1e-6)
  }

  /// The step that TensorFlow computes of a written range is the trained one, to half a unit in the last place, and nothing is nudged.
  @Test(arguments: [(-127...127, 0), (-128...127, 0), (0...255, 1), (0...15, 1), (-40...215, 0)] as [(ClosedRange<Int>, Int)])
  func writtenRangesGiveTheStepBack(codes: ClosedRange<Int>, lowest: Int) throws {
    var random = SeededGenerator(seed: 2)
    var exact = 0
    for _ in 0..<500 {
      let step = Float.random(in: 1e-6...0.3, using: &random)
      let range = QuantizerRange(step: step, codes: codes)
      let count = Float(codes.upperBound - codes.lowerBound)
      let again = (range.maximum - range.minimum) / count
      #expect(abs(again - step) <= step.ulp)
      exact += again == step ? 1 : 0
      let isNarrow = codes == -127...127
      let bits = codes.count == 16 ? 4 : 8
      let quantizer = try #require(FileQuantizer(bits: bits, isNarrow: isNarrow, minima: [range.minimum], maxima: [range.maximum]))
      #expect(
        abs(quantizer.lows[0] - Float(codes.lowerBound) * step) <= 128 * step.ulp
          && abs(quantizer.highs[0] - Float(codes.upperBound) * step) <= 256 * step.ulp)
    }
    #expect(exact > 400, "\(exact) of 500")
  }

  @Test func everyKindOfRangeHasItsCounterpart() throws {
    func mode(_ low: Float, _ high: Float, isNarrow: Bool = false) throws -> FakeQuantize.Mode? {
      try #require(FileQuantizer(bits: 8, isNarrow: isNarrow, minima: [low], maxima: [high])).counterpart(axis: nil)?.op.mode
    }
    #expect(try mode(0, 3) == .symmetric(signed: false))
    #expect(try mode(-1.28, 1.27) == .symmetric(signed: true))
    #expect(try mode(-1, 1, isNarrow: true) == .symmetric(signed: true))
    #expect(try mode(-1, 3) == .asymmetric)
    #expect(try mode(-1, 3, isNarrow: true) == nil)
  }
}
