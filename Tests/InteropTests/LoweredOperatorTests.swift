import QATEngine
import QATGraph
import QATLowering
import QATONNX
import QATTensor
import Testing

/// Quantized networks with operators beyond convolutional classifiers: what stays floating point is said, and ONNX Runtime computes our simulation.
@Suite struct LoweredOperatorTests {
  private func compare(_ graph: Graph, _ lowered: LoweredGraph) throws {
    let folder = try TemporaryFolder()
    try ONNXFile.write(lowered, to: folder.file("model.onnx"))
    let type = graph.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: 9)
    let images = net.images(4)
    var executor = try ReferenceExecutor<Float>(lowered.simulation, batchSize: 4)
    let ours = try #require(try executor.forward(["image": images], mode: .evaluation)[graph.outputs[0]]).elements
    let theirs = try #require(try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)[graph.outputs[0]])
    let largest = theirs.map(abs).max() ?? 0
    #expect(ours.count == theirs.count && largest > 0)
    // The result's own step, of 255, and what a code beside a tie moves.
    #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) <= 0.02 * largest })
    let again = try ONNXFile.read(contentsOf: folder.file("model.onnx"))
    #expect(try lower(again).integerLayers.map(\.type) == lowered.integerLayers.map(\.type))
  }

  @Test func aDecoderWithTransposedConvolutionAndResize() throws {
    var net = QuantizedNetwork(channels: 4, size: 5)
    let image = try net.quantize("image")
    let weight = net.quantizedWeight("up", [4, 6, 2, 2], axis: 1)
    let up = net.node(
      "up", ConvolutionTranspose(window: Window(square: 2, stride: 2)), image, weight, net.parameter("up.bias", net.random(6), [6]))
    let rectified = try net.quantize(net.node("relu", Relu(), net.batchNorm("bn", up, gamma: [-1])))
    let resized = net.node("resize", Resize(.scales([1, 1, 2, 2]), .nearest(.floor), .asymmetric), rectified)
    let result = try net.quantize(net.convolution("conv", resized, outputs: 3))
    let pooled = net.node("pool", GlobalMaxPool(), result)
    let graph = net.returning(pooled)
    let lowered = try lower(graph)
    // The transposed convolution is lowered like any other, with its batch norm folded.
    #expect(lowered.integerLayers.map(\.name) == ["up", "conv"])
    #expect(!lowered.simulation.nodes.contains { $0.op is BatchNormalization || $0.op is GlobalMaxPool })
    #expect(lowered.weights["up.weight"]?.channelAxis == 1)
    let reasons = Dictionary(uniqueKeysWithValues: lowered.floatOperators.map { ($0.name, $0.reason) })
    #expect(reasons["up"]?.contains("OpenVINO") == true && reasons["resize"] == nil && reasons["conv"] == nil, "\(reasons)")
    try compare(graph, lowered)
  }

  @Test func groupsOfATransposedConvolutionStayInFloatingPoint() throws {
    var net = QuantizedNetwork(channels: 4, size: 5)
    let weight = net.quantizedWeight("up", [4, 3, 2, 2], axis: 1)
    let up = net.node("up", ConvolutionTranspose(window: Window(square: 2, stride: 2), groups: 2), try net.quantize("image"), weight)
    let graph = net.returning(up)
    let lowered = try lower(graph)
    #expect(lowered.integerLayers.isEmpty && lowered.floatOperators.map(\.name) == ["up"])
    #expect(lowered.floatOperators[0].reason.contains("2 groups"))
    try compare(graph, lowered)
  }

  @Test func attentionMultipliesQuantizedActivations() throws {
    var net = QuantizedNetwork(channels: 6, size: 8)
    let image = try net.quantize("image")
    let keys = net.node("keys", MatMul(), image, net.quantizedWeight("keys", [8, 8], axis: 1))
    let scores = net.node("scores", MatMul(), image, net.node("transpose", Transpose(permutation: [0, 1, 3, 2]), try net.quantize(keys)))
    let weights = try net.quantize(net.node("softmax", Softmax(), scores))
    let mixed = net.node("mixed", MatMul(), weights, image)
    let normalized = net.node(
      "norm", LayerNormalization(), mixed, net.parameter("norm.weight", net.random(8), [8]), net.parameter("norm.bias", net.random(8), [8]))
    let result = net.node("gelu", Gelu(), normalized)
    let graph = net.returning(result)
    let lowered = try lower(graph)
    #expect(lowered.integerLayers.map(\.name) == ["keys"])
    #expect(Set(lowered.floatOperators.map(\.name)) == ["softmax", "norm", "gelu"], "\(lowered.floatOperators)")
    try compare(graph, lowered)
  }

  /// One scale for all rows: what is gathered is on its grid, and is multiplied as integers. One for each row: bytes in the file, floats behind it.
  @Test(arguments: [false, true]) func theTableOfAnEmbeddingIsStoredAsBytes(byRows: Bool) throws {
    var net = QuantizedNetwork(channels: 2, size: 3)
    let scaled = net.node("scaled", Mul(), "image", net.parameter("four", [4], [1], .fixed))
    let ids = net.node("ids", Cast(to: .int64), scaled)
    let values = net.parameter("table.weight", net.random(40), [8, 5])
    let scale = net.parameter("table|WEIGHT.scale", byRows ? (1...8).map { 0.125 * Float($0) } : [0.9], [byRows ? 8 : 1])
    let quantizer = FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: byRows ? 0 : nil)
    let rows = net.node("rows", Gather(), net.node("table|WEIGHT", quantizer, values, scale), ids)
    let product = net.node("product", MatMul(), rows, net.quantizedWeight("product", [5, 6], axis: 1))
    let graph = net.returning(product)
    let lowered = try lower(graph)
    #expect(lowered.weights["table.weight"]?.scales.count == (byRows ? 8 : 1))
    #expect(lowered.weights["table.weight"]?.codes.allSatisfy { (-64...63).contains($0) } == true)
    #expect(lowered.integerLayers.map(\.name) == (byRows ? [] : ["product"]), "\(lowered.floatOperators)")
    try compare(graph, lowered)
  }
}
