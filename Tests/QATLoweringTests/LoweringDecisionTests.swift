import QATGraph
import QATLowering
import QATTensor
import Testing

/// What lowering decides about single layers: what it adjusts, what it leaves in floating point, what it refuses.
@Suite struct LoweringDecisionTests {
  /// image → quantizer → 1×1 convolution with two output channels → batch norm, all values given.
  private func layer(
    weights: [Float] = [0.4, -0.4, 1, 0.25], scales: [Float] = [1, 1], gamma: [Float] = [1, 1], beta: [Float] = [0.5, -0.5],
    quantizer: FakeQuantize = FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0), variance: [Float] = [1, 1]
  ) -> Graph {
    var net = QuantizedNetwork(channels: 2, size: 3)
    let image = net.node("in", FakeQuantize(mode: .symmetric(signed: true)), "image", net.parameter("in.scale", [1], [1]))
    let weight = net.node("w", quantizer, net.parameter("conv.weight", weights, [2, 2, 1, 1]), net.parameter("w.scale", scales, [scales.count]))
    let x = net.node("conv", Convolution(window: Window(square: 1)), image, weight)
    let y = net.node(
      "bn", BatchNormalization(epsilon: 0), x, net.parameter("gamma", gamma, [2]), net.parameter("beta", beta, [2]),
      net.parameter("mean", [0, 0], [2], .statistic), net.parameter("variance", variance, [2], .statistic))
    let z = net.node("out", FakeQuantize(mode: .symmetric(signed: true)), y, net.parameter("out.scale", [2], [1]))
    return net.returning(z)
  }

  @Test func knownValues() throws {
    let lowered = try lower(layer(gamma: [2, -3], variance: [4, 1]))
    let weight = try #require(lowered.weights["conv.weight"])
    // ±0.4 · 63 = ±25.2 rounds to ±25; 1 is the upper bound, 63; 0.25 · 63 = 15.75 rounds to 16. The second gamma is negative.
    #expect(weight.codes == [25, -25, -63, -16])
    #expect(zip(weight.scales, [1.0 / 63, 3.0 / 63]).allSatisfy { abs(Double($0) - $1) < 1e-8 })
    let bias = try #require(lowered.biases["conv.bias"])
    // The input's step is 1/127: 0.5 · 127 · 63 = 4000.5 and −0.5 · 127 · 63 / 3 = −1333.5, before float32 rounding of the scales.
    #expect([4000, 4001].contains(bias.codes[0]))
    #expect([-1333, -1334].contains(bias.codes[1]))
    let layer = try #require(lowered.integerLayers.first)
    #expect([layer.name, layer.type, layer.input, layer.weight, layer.output] == ["conv", "Conv", "in_out", "conv.weight", "bn_out"])
    #expect(layer.bias == "conv.bias" && lowered.integerLayers.count == 1)
    #expect(lowered.adjustments.isEmpty)
  }

  @Test(arguments: zip([Float(20), 3, 0.02], [0, 2, 255]))
  func aClipInFrontOfAQuantizerIsItsHighestCode(step: Float, highest: Int) throws {
    var net = QuantizedNetwork(channels: 2, size: 3)
    let clipped = net.node("clip", Clip(lower: 0, upper: 6), "image")
    let codes = net.node("q", FakeQuantize(mode: .symmetric(signed: false)), clipped, net.parameter("q.scale", [255 * step], [1]))
    // rint(6 / 20) = 0, 6 / 3 = 2, and 6 / 0.02 = 300 is beyond the grid.
    #expect(try lower(net.returning(codes)).activations[codes]?.range == 0...highest)
  }

  @Test func aChannelWithoutGammaKeepsItsShiftAndAPositiveScale() throws {
    let lowered = try lower(layer(gamma: [0, 1]))
    let weight = try #require(lowered.weights["conv.weight"])
    #expect(Array(weight.codes.prefix(2)) == [0, 0])
    #expect(weight.scales.allSatisfy { $0 > 0 && $0.isNormal })
    let bias = try #require(lowered.biases["conv.bias"]?.values.floats)
    #expect(abs(bias[0] - 0.5) < 1e-4)
  }

  @Test(arguments: [Float(1e-9), 1e-20, 1e-37, -1e-12])
  func aBiasThatWouldOverflowRaisesTheScaleOfItsChannel(gamma: Float) throws {
    let lowered = try lower(layer(gamma: [gamma, 1]))
    let bias = try #require(lowered.biases["conv.bias"])
    #expect(bias.codes.allSatisfy { abs(Int($0)) < 1 << 30 })
    #expect(bias.scales.allSatisfy { $0.isNormal })
    #expect(abs(Float(bias.codes[0]) * bias.scales[0] - 0.5) < 1e-6)
    #expect(lowered.adjustments.count == 1)
    #expect(lowered.adjustments[0].node == "conv" && lowered.adjustments[0].reason.contains("channel 0"))
    // The other channel is as trained.
    #expect(Array(try #require(lowered.weights["conv.weight"]).codes.suffix(2)) == [63, 16])
  }

  @Test func negatingTheLowestCodeOfAByteSaturatesAndSaysSo() throws {
    let full = FakeQuantize(mode: .symmetric(signed: true), channelAxis: 0)
    let lowered = try lower(layer(weights: [-2, 1, 1, 1], gamma: [-1, 1], quantizer: full))
    #expect(try #require(lowered.weights["conv.weight"]).codes == [127, -127, 127, 127])
    #expect(lowered.adjustments.map(\.node) == ["conv"])
    let half = try lower(layer(weights: [-2, 1, 1, 1], gamma: [-1, 1]))
    #expect(try #require(half.weights["conv.weight"]).codes == [64, -63, 63, 63])
    #expect(half.adjustments.isEmpty)
  }

  @Test func equalScalesBecomeOne() throws {
    let perTensor = FakeQuantize(mode: .symmetric(signed: true), halfRange: true)
    #expect(try lower(layer(scales: [1], quantizer: perTensor)).weights["conv.weight"]?.scales == [1 / 63])
    #expect(try lower(layer(scales: [1], gamma: [1, 2], quantizer: perTensor)).weights["conv.weight"]?.scales == [1 / 63, 2 / 63])
  }

  @Test(arguments: [
    (FakeQuantize(mode: .symmetric(signed: false), channelAxis: 0), "without sign"),
    (FakeQuantize(mode: .symmetric(signed: true), channelAxis: 1), "axis 1"),
  ])
  func weightsThatIntegerKernelsCannotTakeStayFloat(quantizer: FakeQuantize, words: String) throws {
    let lowered = try lower(layer(quantizer: quantizer))
    #expect(lowered.integerLayers.isEmpty)
    #expect(lowered.floatOperators.map(\.name) == ["conv", "bn"])
    #expect(lowered.floatOperators[0].reason.contains(words))
    // The float layer multiplies the values that training saw.
    let weight = try #require(lowered.simulation.tensor("conv.weight")?.floats)
    #expect(quantizer.isSigned ? abs(weight[0] - 51 / 127) < 1e-6 : abs(weight[0] - 102 / 255) < 1e-6)
  }

  @Test func aLayerWithoutAQuantizedInputOrWeightStaysFloatWithTheReason() throws {
    var net = QuantizedNetwork(channels: 2, size: 3)
    let x = net.node("plain", Convolution(window: Window(square: 1)), "image", net.parameter("plain.weight", net.random(4), [2, 2, 1, 1]))
    let y = net.node("half", Convolution(window: Window(square: 1)), x, net.quantizedWeight("half", [2, 2, 1, 1]))
    let z = try net.convolution("last", net.quantize(net.node("swish", HardSwish(), y)), outputs: 2)
    let lowered = try lower(net.returning(z))
    let reasons = Dictionary(uniqueKeysWithValues: lowered.floatOperators.map { ($0.name, $0.reason) })
    #expect(reasons["plain"] == "its weight is not quantized")
    #expect(reasons["half"] == "its input 'plain_out' is not quantized")
    #expect(reasons["swish"]?.contains("integer kernel") == true)
    // Its multiplications are integer, but ONNX Runtime has no such kernel with a float result.
    #expect(reasons["last"]?.contains("output is not quantized") == true)
    #expect(lowered.integerLayers.map(\.name) == ["last"])
  }

  @Test func aConstantThatOthersReadKeepsItsValue() throws {
    var graph = layer()
    graph.nodes.append(Node(name: "scaled", op: Mul(), inputs: ["out_out", "beta2"], outputs: ["y"]))
    graph.constants["beta2"] = Graph.Constant(Tensor([1, 2], shape: [2, 1, 1]), .parameter)
    graph.nodes.append(Node(name: "conv2", op: Convolution(window: Window(square: 1)), inputs: ["in_out", "conv.weight"], outputs: ["z"]))
    graph.outputs = ["y", "z"]
    let lowered = try lower(graph)
    #expect(lowered.simulation.tensor("conv.weight") == graph.tensor("conv.weight"))
    #expect(lowered.weights["conv.weight_1"]?.codes == [25, -25, 63, 16])
  }

  @Test(arguments: ["conv.weight", "w.scale", "in.scale", "beta", "variance"])
  func valuesThatAreNotFiniteAreRefused(name: String) throws {
    var graph = layer()
    let shape = try #require(graph.tensor(name)).shape
    graph.constants[name]?.tensor = Tensor(repeating: .nan, shape: shape)
    let error = try #require(throws: LoweringError.self) { try lower(graph) }
    #expect(error.description.contains("'\(name)'"))
  }

  @Test func aNegativeVarianceIsRefused() throws {
    let error = try #require(throws: LoweringError.self) { try lower(layer(variance: [-1, 1])) }
    #expect(error.node == "bn")
  }

  @Test func whatIsNoNetworkIsRefused() {
    var graph = layer()
    graph.outputs = ["nowhere"]
    #expect(throws: LoweringError.self) { try lower(graph) }
  }
}
