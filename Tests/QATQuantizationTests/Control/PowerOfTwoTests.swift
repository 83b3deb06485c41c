import Foundation
import QATCommunication
import QATEngine
import QATGraph
import QATJSON
import QATLowering
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("Networks with steps that are powers of two")
struct PowerOfTwoNetworkTests {
  private let network: Graph = {
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1"), "bn1"), "relu")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3))
  }()

  private let samples = ArraySource(
    samples: (0..<6).map { image -> [Float] in (0..<128).map { pixel -> Float in Float((pixel * 7 + image * 13) % 11 - 3) / 10 } })

  private func created(
    _ graph: Graph? = nil, state: CompressionState? = nil, _ change: (inout QuantizationConfiguration) -> Void = { _ in }
  ) throws -> CompressionController {
    var quantization = QuantizationConfiguration()
    quantization.usesPowersOfTwo = true
    change(&quantization)
    return try createCompressedModel(
      graph ?? network, quantization, device: .any, calibration: samples, calibrationBatchSize: 2, communicator: SingleProcess(),
      compressionState: state)
  }

  private static func output(_ graph: Graph, _ images: [Float]) throws -> [Float] {
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .evaluation)
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: images)
    plan.forward()
    return Array(plan.output(graph.outputs[0]))
  }

  @Test("batch norms of quantized layers are in their weights and biases before anything is quantized")
  func folding() throws {
    let controller = try created()
    let graph = try controller.graph.validated()
    #expect(!graph.nodes.contains { $0.op is BatchNormalization })
    #expect(graph.constants["conv1.weight"]?.tensor.shape == network.constants["conv1.weight"]?.tensor.shape)
    #expect(graph.constants["conv1.bias"]?.role == .parameter && graph.constants["bn1.running_mean"] == nil)
    let images = (0..<256).map { Float(($0 * 37) % 17 - 8) / 9 }
    var plain = controller.graph
    plain.nodes.removeAll { $0.op is FakeQuantize || $0.op is RoundBias }
    for index in plain.nodes.indices {
      plain.nodes[index].inputs = plain.nodes[index].inputs.map { name in
        var name = name
        while let node = controller.graph.nodes.first(where: { $0.outputs == [name] && ($0.op is FakeQuantize || $0.op is RoundBias) }) {
          name = node.inputs[0]
        }
        return name
      }
    }
    for (found, expected) in try zip(Self.output(plain, images), Self.output(network, images)) { #expect(abs(found - expected) < 1e-5) }
  }

  @Test("a layer that stays in floating point keeps its batch norm")
  func ignoredLayers() throws {
    let controller = try created { $0.ignoredScopes = ["conv1", "bn1"] }
    #expect(controller.graph.nodes.contains { $0.op is BatchNormalization })
    #expect(controller.graph.constants["conv1.weight"] == network.constants["conv1.weight"])
  }

  @Test("every step is a power of two, every zero-point half of the codes or none, and the bias is the file's", arguments: [false, true])
  func lowered(usesLogarithms: Bool) throws {
    let controller = try created { ($0.weights.usesLogarithms, $0.activations.usesLogarithms) = (usesLogarithms, usesLogarithms) }
    let lowered = try lower(controller.graph)
    #expect(lowered.portability.isProven, "\(lowered.portability)")
    #expect(lowered.activations.values.allSatisfy { FakeQuantize.isStep($0.scale) && [0, 128].contains($0.zeroPoint) })
    #expect(lowered.weights.values.allSatisfy { $0.scales.allSatisfy(FakeQuantize.isStep) } && lowered.weights.count == 2)
    let roundings = controller.graph.nodes.filter { $0.op is RoundBias }
    #expect(roundings.map(\.name) == ["conv1|BIAS", "fc|BIAS"])
    var executor = try ReferenceExecutor<Float>(controller.graph, batchSize: 1)
    let values = try executor.forward(["input": NDArray([Float](repeating: 0.1, count: 128), shape: [1, 2, 8, 8])], mode: .evaluation)
    for node in roundings { #expect(values[node.outputs[0]]?.elements == lowered.biases[node.inputs[0]]?.values.floats, "\(node.name)") }
  }

  /// Layers of every kind with a bias of their own, behind pooling, a sum and a concatenation.
  private static func biased() -> Graph {
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.convolution(net.input, "conv1", channels: 4, kernel: 3, pad: 1, hasBias: true), "relu1")
    let y = net.relu(net.convolution(x, "conv2", channels: 4, kernel: 3, pad: 1, groups: 4, hasBias: true), "relu2")
    let z = net.concatenation([net.sum(x, y, "add"), net.maxPool(y, "pool", kernel: 3, stride: 1, pad: 1)], "concat")
    let w = net.batchNormalization(net.convolution(z, "conv3", channels: 4, kernel: 1, hasBias: true), "bn3")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(net.relu(w, "relu3"), "gap"), "flatten"), "fc", features: 3))
  }

  @Test(
    "training sees the biases that files hold, whatever the quantizers, but of layers with batch norm",
    arguments: QuantizationConfiguration.Preset.allCases, [(4, false), (4, true), (8, false), (8, true)])
  func biasesOfFiles(preset: QuantizationConfiguration.Preset, weights: (bits: Int, perChannel: Bool)) throws {
    var quantization = QuantizationConfiguration()
    quantization.preset = preset
    (quantization.weights.demands.bits, quantization.weights.demands.perChannel) = (weights.bits, weights.perChannel)
    quantization.weights.demands.signed = true
    quantization.activations.demands.perChannel = false
    let controller = try createCompressedModel(
      Self.biased(), quantization, device: .trial, calibration: samples, calibrationBatchSize: 2, communicator: SingleProcess())
    let roundings = controller.graph.nodes.filter { $0.op is RoundBias }
    #expect(roundings.map(\.name) == ["conv1|BIAS", "conv2|BIAS", "fc|BIAS"])
    let lowered = try lower(controller.graph)
    let images = NDArray((0..<128).map { Float(($0 * 37) % 17 - 8) / 9 }, shape: [1, 2, 8, 8])
    var executor = try ReferenceExecutor<Float>(controller.graph, batchSize: 1)
    let values = try executor.forward(["input": images], mode: .evaluation)
    for node in roundings {
      let bias = try #require(lowered.biases[node.inputs[0]])
      #expect(values[node.outputs[0]]?.elements == bias.values.floats, "\(node.name)")
      #expect(bias.values.floats != controller.graph.tensor(node.inputs[0])?.floats)
    }
    // Parameters and their names are those of the network.
    for name in Self.biased().constants.keys { #expect(controller.graph.constants[name] != nil, "\(name)") }
    #expect(!controller.graph.constants.keys.contains { $0.contains("|BIAS") })
  }

  @Test("a saved state is restored into the fp32 network with its batch norms")
  func restored() throws {
    let controller = try created()
    let state = try JSONDecoder().decode(CompressionState.self, from: JSONEncoder().encode(controller.compressionState))
    #expect(state.setup == controller.setup && state.setup.points.allSatisfy(\.specification.hasPowerOfTwoStep))
    let restored = try created(state: state)
    #expect(restored.graph.nodes.map(\.name) == controller.graph.nodes.map(\.name))
    #expect(Set(restored.graph.constants.keys) == Set(controller.graph.constants.keys))
    // States of other quantizers do not mention it.
    let plain = try created { $0.usesPowersOfTwo = false }
    #expect(try !String(decoding: JSONEncoder().encode(plain.compressionState), as: UTF8.self).contains("power_of_two"))
    #expect(plain.setup.fingerprint != controller.setup.fingerprint)
  }

  @Test(
    "what they cannot go with is refused where it stands, with the remedy",
    arguments: [
      (#""preset": "mixed""#, "symmetric ones"), (#""activations": { "mode": "asymmetric" }"#, #"expected "symmetric""#),
      (#""weights": { "mode": "asymmetric" }"#, #"expected "symmetric""#), (#""activations": { "per_channel": true }"#, "one scale a tensor"),
      (#""scope_overrides": { "activations": { "fc": { "mode": "asymmetric" } } }"#, #"expected "symmetric""#),
      (#""weights": { "signed": false }"#, "expected true"), (#""power_of_two_scales": 1"#, "expected"),
    ])
  func refusals(section: String, message: String) throws {
    let option = section.contains("power_of_two") ? "" : #""power_of_two_scales": true, "#
    let text = #"{ "compression": { "algorithm": "quantization", \#(option)\#(section) } }"#
    let error = #expect(throws: ConfigurationError.self) { try NNCFConfig(document: JSONDocument.parse(text, file: "c.json")) }
    #expect(error.map { "\($0)" }?.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test("the key is read, and written back")
  func configuration() throws {
    let text = #"{ "compression": { "algorithm": "quantization", "power_of_two_scales": true } }"#
    let config = try NNCFConfig(document: JSONDocument.parse(text, file: "c.json"))
    #expect(config.quantization?.usesPowersOfTwo == true)
    #expect(NNCFConfig.schema.write(config)["compression"]?["power_of_two_scales"] == true)
    #expect(NNCFConfig.schema.write(NNCFConfig())["compression"] == nil)
  }

  @Test("a network with other steps is refused as portable, with what was found and the remedy")
  func notPortable() throws {
    let lowered = try lower(created { $0.usesPowersOfTwo = false }.graph)
    let error = #expect(throws: LoweringError.self) { try lowered.requirePortability() }
    #expect(error?.description.contains("has the step") == true && error?.description.contains(#""power_of_two_scales": true"#) == true)
  }
}
