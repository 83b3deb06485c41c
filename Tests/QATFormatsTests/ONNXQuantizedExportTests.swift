import Foundation
import QATGraph
import QATLowering
import QATONNX
import QATTensor
import Testing

/// What the quantized export promises without a runtime; what runtimes make of the files is tested in InteropTests.
@Suite struct ONNXQuantizedExportTests {
  /// A convolution between two quantizers.
  private static func network(channelAxis: Int? = nil) -> Graph {
    var graph = Graph(name: "net", inputs: [.init(name: "x", type: TensorType([.batch, 2, 4, 4]))], outputs: ["y"])
    func parameter(_ name: TensorName, _ values: [Float], _ shape: [Int]) { graph.constants[name] = .init(Tensor(values, shape: shape), .parameter) }
    parameter("w", [1, -0.4, 0.25, 2], [2, 2, 1, 1])
    parameter("ws", [1, 2], [2])
    parameter("xs", [Float](repeating: 1, count: channelAxis == nil ? 1 : 2), [channelAxis == nil ? 1 : 2])
    parameter("ys", [3], [1])
    graph.nodes = [
      Node(name: "xq", op: FakeQuantize(mode: .symmetric(signed: true), channelAxis: channelAxis), inputs: ["x", "xs"], outputs: ["x2"]),
      Node(name: "wq", op: FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0), inputs: ["w", "ws"], outputs: ["w2"]),
      Node(name: "conv", op: Convolution(window: Window(square: 1)), inputs: ["x2", "w2"], outputs: ["c"]),
      Node(name: "yq", op: FakeQuantize(mode: .symmetric(signed: true)), inputs: ["c", "ys"], outputs: ["y"]),
    ]
    return graph
  }

  private func written(_ graph: Graph) throws -> Data {
    let path = FileManager.default.temporaryDirectory.appending(path: "qat-\(UUID().uuidString).onnx").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXFile.write(lower(graph), to: path, metadata: ["b": "2", "a": "1"])
    return try Data(contentsOf: URL(filePath: path))
  }

  @Test func equalNetworksGiveEqualBytes() throws {
    #expect(try written(Self.network()) == written(Self.network()))
  }

  @Test func namesSurviveAndAQuantizedOutputKeepsItsName() throws {
    let graph = try ONNXFile.decode([UInt8](written(Self.network())))
    #expect(graph.outputs == ["y"])
    #expect(graph.inputs.map(\.name) == ["x"])
    #expect(graph.node(named: "conv") != nil)
    // ±63 is the upper bound of a half-range weight, at a step of scale / 63.
    let weight = try #require(graph.tensor("w")?.floats)
    #expect(zip(weight, [1, -25.0 / 63, 16.0 / 63, 2]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func aPerChannelQuantizerThatNothingTakesUpIsWrittenPerChannel() throws {
    let lowered = try lower(Self.network(channelAxis: 1))
    #expect(lowered.floatOperators.map(\.name) == ["conv"])
    #expect(lowered.floatOperators[0].reason.contains("per channel"))
    let graph = try ONNXFile.decode([UInt8](written(Self.network(channelAxis: 1))))
    // Between two clips, which keep ONNX Runtime from merging it into kernels that take one scale.
    #expect(graph.nodes.prefix(3).map(\.type) == ["Clip", "FakeQuantize", "Clip"])
    #expect(graph.nodes[1].as(FakeQuantize.self)?.channelAxis == 1)
  }

  @Test func anUnwritablePlaceIsAnErrorThatNamesIt() throws {
    let lowered = try lower(Self.network())
    let error = try #require(throws: ONNXError.self) { try ONNXFile.write(lowered, to: "/nowhere/at/all.onnx") }
    #expect(error.description.contains("/nowhere/at/all.onnx"))
  }
}
