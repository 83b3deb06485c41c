import QATEngine
import QATGraph
import QATLowering
import QATTensor
import Testing

/// What lowering promises of whole networks.
@Suite struct LoweringTests {
  private static func values(_ graph: Graph, batch: Int = 16) throws -> [TensorName: NDArray<Float>] {
    let type = graph.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: 99)
    var executor = try ReferenceExecutor<Float>(graph, batchSize: batch)
    return try executor.forward([graph.inputs[0].name: net.images(batch)], mode: .evaluation)
  }

  /// Distance in steps of every activation code of the deployed network from the trained one's.
  private static func distances(_ graph: Graph) throws -> [(quantizer: String, steps: [Float])] {
    let lowered = try lower(graph)
    let trained = try values(graph)
    let deployed = try values(lowered.simulation)
    return try lowered.simulation.nodes.compactMap { node in
      // A per-channel quantizer's values are divided by factors; all that follow are the trained ones again.
      guard node.op is FakeQuantize, let source = graph.node(named: node.name), source.as(FakeQuantize.self)?.channelAxis == nil else { return nil }
      let scale = try #require(lowered.activations[node.outputs[0]]).scale
      let before = try #require(trained[source.outputs[0]])
      let after = try #require(deployed[node.outputs[0]])
      return (node.name, zip(before.elements, after.elements).map { abs($0 - $1) / scale })
    }
  }

  /// Without biases both networks multiply the same codes and round the same numbers, up to the last bits of float32: codes differ at near ties only.
  @Test(arguments: ExampleNetwork.allCases, [true, false])
  func withoutBiasesTheDeployedNetworkHasTheCodesOfTheTrainedOne(network: ExampleNetwork, halfRange: Bool) throws {
    var graph = try network.graph(halfRange: halfRange)
    for (name, constant) in graph.constants where name.hasSuffix(".bias") || name.hasSuffix(".running_mean") {
      graph.constants[name]?.tensor = Tensor(repeating: 0, shape: constant.tensor.shape)
    }
    let distances = try Self.distances(graph)
    #expect(distances.count >= 2)
    for (quantizer, steps) in distances {
      // Two operands of an addition can each be one step off.
      #expect(steps.allSatisfy { $0 < 2.01 }, "\(quantizer): \(steps.max() ?? 0) steps apart")
      #expect(
        Double(steps.count { $0 > 0.5 }) <= 0.001 * Double(steps.count) + 1, "\(quantizer): \(steps.count { $0 > 0.5 }) of \(steps.count) differ")
    }
  }

  /// Rounding a bias to the accumulator's step moves some codes by one, and more of them with depth.
  @Test(arguments: ExampleNetwork.allCases)
  func withBiasesTheDeployedNetworkIsCloseToTheTrainedOne(network: ExampleNetwork) throws {
    for (quantizer, steps) in try Self.distances(network.graph()) {
      #expect(steps.reduce(0, +) / Float(steps.count) < 0.15, "\(quantizer): \(steps.reduce(0, +) / Float(steps.count)) steps apart on average")
    }
  }

  @Test(arguments: ExampleNetwork.allCases)
  func everyConvolutionAndLinearLayerMultipliesIntegers(network: ExampleNetwork) throws {
    let graph = try network.graph()
    let lowered = try lower(graph)
    #expect(lowered.floatOperators.isEmpty, "\(lowered.floatOperators)")
    #expect(lowered.integerLayers.map(\.name) == graph.nodes.filter { ["Conv", "Gemm", "MatMul"].contains($0.type) }.map(\.name))
    #expect(!lowered.simulation.nodes.contains { $0.op is BatchNormalization })
    for layer in lowered.integerLayers {
      let weight = try #require(lowered.weights[layer.weight])
      #expect(weight.codes.allSatisfy { abs(Int($0)) <= 64 })
      #expect(weight.scales.allSatisfy { $0 > 0 && $0.isNormal })
      #expect(lowered.simulation.tensor(layer.weight) == weight.values)
      if let bias = layer.bias { #expect(lowered.simulation.tensor(bias) == lowered.biases[bias]?.values) }
    }
  }

  @Test func batchNormGoesIntoScalesAndNeverIntoCodes() throws {
    let graph = try ExampleNetwork.convolutions.graph()
    let lowered = try lower(graph)
    let weight = try #require(lowered.weights["conv1.weight"])
    let trained = try #require(graph.tensor("conv1.weight")?.floats)
    let scales = try #require(graph.tensor("conv1|WEIGHT.scale")?.floats)
    let gamma = try #require(graph.tensor("bn1.weight")?.floats)
    let variance = try #require(graph.tensor("bn1.running_var")?.floats)
    for (index, code) in weight.codes.enumerated() {
      let channel = index / 27
      // Independent of the grid's code: the 7-bit codes are x · 63 / scale, rounded and clipped.
      let expected = min(max((trained[index] * 63 / scales[channel]).rounded(.toNearestOrEven), -64), 63)
      let sign: Float = gamma[channel] == 0 ? 0 : gamma[channel] < 0 ? -1 : 1
      #expect(Float(code) == sign * expected)
    }
    for channel in 0..<8 where gamma[channel] != 0 {
      let expected = scales[channel] / 63 * abs(gamma[channel]) / (variance[channel] + 1e-5).squareRoot()
      #expect(abs(weight.scales[channel] - expected) < 1e-6 * expected)
    }
    // Where gamma is zero the channel is beta.
    let bias = try #require(lowered.biases["conv1.bias"])
    let beta = try #require(graph.tensor("bn1.bias")?.floats)
    #expect(abs(Float(bias.codes[1]) * bias.scales[1] - beta[1]) <= bias.scales[1])
  }

  @Test func signedAndAsymmetricGridsBecomeUnsignedBytes() throws {
    let signed = try lower(ExampleNetwork.convolutions.graph())
    let image = try #require(signed.activations["image|OUTPUT_out"])
    #expect(image.zeroPoint == 128 && image.usesWholeByte)
    let relu = try #require(signed.activations["relu1_out|OUTPUT_out"])
    #expect(relu.zeroPoint == 0 && relu.usesWholeByte)
    #expect(signed.activations["pool1_out"] == relu)

    let behindRelu = try lower(ExampleNetwork.signedBehindRelu.graph())
    #expect(behindRelu.activations["relu1_out|OUTPUT_out"]?.zeroPoint == 0)
    #expect(behindRelu.activations["relu1_out|OUTPUT_out"]?.range == 0...127)

    let asymmetric = try lower(ExampleNetwork.asymmetric.graph())
    let branch = try #require(asymmetric.activations["bn3_out|OUTPUT_out"])
    #expect((1...254).contains(branch.zeroPoint) && branch.usesWholeByte)
    #expect(try lower(ExampleNetwork.fewBits.graph()).activations["relu1_out|OUTPUT_out"]?.range == 0...15)
  }

  @Test func aClipBecomesALimitOfTheCodes() throws {
    let graph = try ExampleNetwork.wideClip.graph()
    let codes = try #require(try lower(graph).activations["clip1_out|OUTPUT_out"])
    #expect(codes.range.upperBound < 255)
    #expect(abs(Float(codes.range.upperBound) * codes.scale - 6) <= codes.scale / 2)
  }

  @Test func aPerChannelQuantizerBeforeADepthwiseConvolutionBecomesPerTensor() throws {
    let graph = try ExampleNetwork.depthwisePerChannel.graph()
    let lowered = try lower(graph)
    let node = try #require(lowered.simulation.node(named: "clip1_out|OUTPUT"))
    #expect(node.as(FakeQuantize.self)?.channelAxis == nil)
    // No code changes, since all factors go into scales.
    let trained = try Self.values(graph)
    let deployed = try Self.values(lowered.simulation)
    let codes = try #require(lowered.activations[node.outputs[0]])
    let scales = try #require(graph.tensor("clip1_out|OUTPUT.scale")?.floats)
    let before = try #require(trained[node.outputs[0]])
    let after = try #require(deployed[node.outputs[0]])
    let differing = before.elements.indices.count { index in
      let channel = index / 36 % 8
      return abs(before.elements[index] / (scales[channel] / 255) - after.elements[index] / codes.scale) > 0.5
    }
    #expect(Double(differing) < 0.02 * Double(before.count))
  }

  @Test func aMeanOverTheImageBecomesAPoolingWithItsQuantizerBeforeTheFlattening() throws {
    let types = try lower(ExampleNetwork.convolutions.graph()).simulation.nodes.suffix(4).map(\.type)
    #expect(types == ["GlobalAveragePool", "FakeQuantize", "Flatten", "Gemm"])
  }

  @Test func aMatMulWithABiasBecomesAGemm() throws {
    let lowered = try lower(ExampleNetwork.linearOnly.graph())
    #expect(lowered.integerLayers.map(\.type) == ["Gemm", "MatMul"])
    #expect(lowered.simulation.node(named: "fc1")?.outputs == ["fc1_bias_out"])
    #expect(lowered.weights["fc1.weight"]?.channelAxis == 1)
  }
}
