import Foundation
import QATCommunication
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("The noise of quantizers")
struct QuantizationNoiseTests {
  /// A meter of a symmetric signed quantizer.
  private func meter(bits: Int, scale: [Float], axis: Int? = nil) throws -> QuantizerMeter {
    let node = Node(
      name: "q", op: FakeQuantize(mode: .symmetric(signed: true), bits: bits, channelAxis: axis), inputs: ["x", "q.scale"], outputs: ["y"])
    var graph = Graph(name: "g")
    graph.constants["q.scale"] = Graph.Constant(Tensor(scale, shape: [scale.count]), .parameter)
    return try #require(QuantizerMeter(node, graph))
  }

  /// Values spread evenly over (−bound, bound), as the textbook's full-scale uniform signal.
  private func uniform(_ count: Int, bound: Float) -> [Float] { (0..<count).map { bound * (2 * (Float($0) + 0.5) / Float(count) - 1) } }

  // An evenly spread signal over n steps has 20·log₁₀(n) decibels, 6.02 a bit (Oppenheim and Schafer, quantization noise).
  @Test("an evenly spread signal has six decibels a bit", arguments: 4...8)
  func sixDecibelsABit(bits: Int) throws {
    let values = uniform(40_001, bound: 1)
    let found = try values.withUnsafeBufferPointer { try meter(bits: bits, scale: [1]).measure($0, shape: [values.count]) }
    // The highest code of a signed grid stands for 1 and its lowest lies beyond −1: the signal spans 2^b − 2 steps.
    let expected = 20 * log10(Double((1 << bits) - 2))
    #expect(abs(found.noise.decibels - expected) < 0.15, "\(found.noise.decibels) dB, expected \(expected)")
    #expect(found.count == values.count && found.clippedShare == 0)
  }

  @Test("values beyond the range by more than half a step count as clipped, each channel with its own range")
  func clipping() throws {
    let values: [Float] = [-3, 0.5, 1.003, 1.01, 9, -9, 10, 10.1]
    let found = try values.withUnsafeBufferPointer { try meter(bits: 8, scale: [1, 10], axis: 0).measure($0, shape: [2, 4]) }
    // −3 and 1.01 of the first channel, 10.1 of the second.
    #expect(found.clippedCount == 3 && found.clippedShare == 3 / 8)
  }

  @Test("values on the grid have no noise")
  func exact() throws {
    let values = (-128...127).map { Float($0) / 127 }
    let found = try values.withUnsafeBufferPointer { try meter(bits: 8, scale: [1]).measure($0, shape: [256]) }
    #expect(found.noise.decibels > 130)
    #expect(SignalToNoise().decibels == .infinity)
  }

  private static let network: Graph = {
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1"), "bn1"), "relu")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3))
  }()

  private static let samples: ArraySource = {
    let images = (0..<37).map { image -> [Float] in (0..<128).map { pixel -> Float in Float((pixel * 7 + image * 13) % 11 - 3) / 10 } }
    return ArraySource(samples: images)
  }()

  private func controller() throws -> CompressionController {
    try createCompressedModel(
      Self.network, QuantizationConfiguration(), device: .any, calibration: Self.samples, communicator: SingleProcess())
  }

  @Test("every quantizer and every layer is measured, weights also without samples")
  func everything() throws {
    let controller = try controller()
    let layers = controller.setup.layers(of: controller.graph)
    #expect(layers.map(\.name) == ["conv1", "pool", "fc"])
    #expect(layers.map(\.weights) == [["conv1|WEIGHT"], [], ["fc|WEIGHT"]] && layers.allSatisfy { $0.activations.count == 1 })
    let float = controller.graph.constants.reduce(into: controller.floatGraph) { graph, constant in
      if graph.constants[constant.key] != nil { graph.constants[constant.key] = constant.value }
    }
    let report = try QuantizationNoiseReport(
      of: controller.graph, float: float, layers: layers.map(\.name), samples: Self.samples, communicator: SingleProcess())
    #expect(Set(report.quantizers.keys) == Set(controller.setup.points.map(\.id)))
    #expect(Set(report.layers.keys) == ["conv1", "pool", "fc"])
    #expect(report.sampleCount == 37 && report.quantizers["input|OUTPUT"]?.count == 37 * 128)
    #expect(report.quantizers.values.allSatisfy { (20...90).contains($0.noise.decibels) })
    #expect((0...1).contains(try #require(report.agreement)))
    // The noise of the layers before is in a layer's result: it cannot be far below that of its own quantizers.
    #expect(report.layers.values.allSatisfy { (15...80).contains($0.decibels) })

    let weights = try QuantizationNoiseReport(of: controller.graph, float: float, layers: [], samples: nil, communicator: SingleProcess())
    #expect(Set(weights.quantizers.keys) == Set(controller.setup.weightPoints.map(\.id)) && weights.agreement == nil)
    #expect(weights.quantizers["fc|WEIGHT"] == report.quantizers["fc|WEIGHT"])
  }

  @Test("a layer quantized alone has its own quantizers, at the ranges of the whole")
  func alone() throws {
    let controller = try controller()
    let graph = try controller.floatGraph.quantizing(["fc|WEIGHT"], of: controller.setup, as: controller.graph).validated()
    #expect(graph.nodes.filter { $0.op is FakeQuantize }.map(\.name) == ["fc|WEIGHT"])
    #expect(graph.tensor("fc|WEIGHT.scale") == controller.graph.tensor("fc|WEIGHT.scale"))
    #expect(graph.tensor("bn1.running_mean") == Self.network.tensor("bn1.running_mean"))
  }

  @Test("the layer of few bits costs most, and no quantizer costs nothing")
  func sensitivity() throws {
    let controller = try controller()
    var coarse = controller.graph
    let index = try #require(coarse.nodes.firstIndex { $0.name == "conv1|WEIGHT" })
    let op = try #require(coarse.nodes[index].as(FakeQuantize.self))
    coarse.nodes[index].op = FakeQuantize(mode: op.mode, bits: 2, channelAxis: op.channelAxis)
    let found = try Sensitivity(
      of: coarse, float: controller.floatGraph, setup: controller.setup, samples: Self.samples, communicator: SingleProcess())
    #expect(found.sampleCount == 37 && found.float.agreement == 1 && found.float.outputNoise.noise == 0)
    #expect(found.layers.first?.layer.name == "conv1" && found.layers.count == 3)
    #expect(found.layers[0].effect.outputNoise.decibels < found.layers[1].effect.outputNoise.decibels - 5)
    #expect(found.float.top1 == nil && found.float.loss == nil, "these samples have no labels")
  }
}
