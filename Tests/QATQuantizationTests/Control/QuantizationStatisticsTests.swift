import QATCommunication
import QATGraph
import QATJSON
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Statistics count what was placed")
struct QuantizationStatisticsTests {
  private func network() -> Graph {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let c = net.relu(net.conv(net.concatenation([a, b], "concat"), "c"), "relu_c")
    return net.finished(net.conv(c, "depthwise", groups: 4))
  }

  private func controller(_ change: (inout QuantizationConfiguration) -> Void = { _ in }) throws -> CompressionController {
    var configuration = QuantizationConfiguration()
    change(&configuration)
    return try createCompressedModel(network(), configuration, device: .any, calibration: nil, communicator: SingleProcess())
  }

  private func statistics(_ change: (inout QuantizationConfiguration) -> Void = { _ in }) throws -> QuantizationStatistics {
    try controller(change).statistics()
  }

  // Four weights; activations: input, one shared by both inputs of the concatenation, per-channel before the depthwise convolution: 3 of 4 inputs.
  @Test("a shared quantizer counts once, an ignored one counts as potential")
  func counts() throws {
    let all = try statistics()
    #expect(all.weights.total == 4 && all.weights.perChannel == 4 && all.weights.signed == 4 && all.weights.potential == 4)
    #expect(all.activations.total == 3 && all.activations.perChannel == 1 && all.activations.unsigned == 3 && all.activations.potential == 4)
    #expect(all.bitWidths == [.init(bits: 8, weights: 4, activations: 3)])
    let some = try statistics {
      $0.ignoredScopes = ["depthwise"]
      $0.preset = .mixed
    }
    #expect(some.weights.total == 3 && some.weights.potential == 4)
    #expect(some.activations.total == 2 && some.activations.asymmetric == 2 && some.activations.signed == 2 && some.activations.potential == 4)
  }

  // Weights: twice 4·4·9, 4·8·9 and 4·9, 612 in all. The largest tensor is the concatenation's, 8·8·8, quantized where it comes from; without a quantized
  // weight the depthwise convolution makes 4·8·8 in floating point.
  @Test("memory: weights by their quantizers' bits, and the largest tensor by the precision it comes about in")
  func memory() throws {
    let all = try statistics().memory
    #expect(all.floatWeightBits == 612 * 32 && all.quantizedWeightBits == 612 * 8 && all.weightDecreaseFactor == 4)
    #expect(all.largestFloatActivationBits == 512 * 32 && all.largestQuantizedActivationBits == 512 * 8)
    let some = try statistics { $0.ignoredScopes = ["depthwise"] }.memory
    #expect(some.quantizedWeightBits == 576 * 8 + 36 * 32 && some.largestQuantizedActivationBits == 256 * 32)
    #expect(MemoryConsumption().weightDecreaseFactor == 1)
  }

  // Edges: the input to a and b, these to the concatenation, on to c, to the depthwise convolution, to the output.
  @Test("data path: edges with a quantizer, behind the inputs, and behind operators that only pass quantized data on")
  func dataPath() throws {
    #expect(try statistics().dataPath.edges == 7)
    #expect(try statistics().dataPath.quantizedEdges == 6)
    #expect(try statistics { $0.quantizesOutputs = true }.dataPath.quantizedEdges == 7)
    #expect(try statistics { $0.ignoredScopes = ["depthwise"] }.dataPath.quantizedEdges == 5)
    #expect(try statistics { $0.ignoredScopes = ["{re}.*"] }.dataPath.quantizedEdges == 2)
  }

  @Test("the text has NNCF's tables")
  func text() throws {
    let lines = try statistics().description.split(separator: "\n").map(String.init)
    for row in [
      "Statistics of the quantization algorithm", "| Ratio of enabled quantizations | 100.00 |", "Statistics of the quantization share",
      "| Symmetric WQs / All placed WQs   | 100.00 % (4 / 4) |", "| Per-channel AQs / All placed AQs | 33.33 % (1 / 3)  |",
      "| Placed AQs / Potential AQs       | 75.00 % (3 / 4)  |", "Statistics of the bitwidth distribution",
      "| 8            | 100.00 % (4 / 4)        | 100.00 % (3 / 3)        | 100.00 % (7 / 7)      |", "Statistics of the memory consumption",
      "| Memory consumption of full-precision weights (Mbyte)          | 0.0023 |",
      "| Memory consumption of quantized weights (Mbyte)               | 0.0006 |",
      "| Memory consumption decrease of weights                        | 4.00   |", "Statistics of the quantization configuration",
      "| Share edges of the quantized data path | 85.71 % (6 / 7) |",
    ] {
      #expect(lines.contains(row), "\(row)")
    }
    let none = try self.statistics { $0.targetScopes = ["relu_a"] }
    #expect(none.weights.total == 0 && none.description.contains("0.00 % (0 / 0)"))
  }

  @Test("the object has the same numbers")
  func json() throws {
    let json = try statistics().json
    #expect(json["weights"]?["total"] == 4 && json["activations"]?["per_channel"] == 1 && json["activations"]?["potential"] == 4)
    #expect(json["bit_widths"] == [["bits": 8, "weights": 4, "activations": 3]])
    #expect(json["memory"]?["quantized_weight_bytes"] == 612 && json["memory"]?["largest_quantized_activation_bytes"] == 512)
    #expect(json["data_path"] == ["quantized_edges": 6, "edges": 7])
  }

  @Test("a restored model has the statistics of the one that was saved")
  func restored() throws {
    let controller = try controller { $0.preset = .mixed }
    let restored = try createCompressedModel(
      network(), QuantizationConfiguration(), device: .any, calibration: nil, communicator: SingleProcess(),
      compressionState: controller.compressionState)
    #expect(restored.statistics() == controller.statistics())
  }
}
