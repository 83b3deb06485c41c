import Foundation
import QATCommunication
import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Statistics count what was placed")
struct QuantizationStatisticsTests {
  private func statistics(_ change: (inout QuantizationConfiguration) -> Void = { _ in }) throws -> QuantizationStatistics {
    var net = NetworkBuilder.small()
    let a = net.relu(net.conv(net.input, "a"), "relu_a")
    let b = net.relu(net.conv(net.input, "b"), "relu_b")
    let c = net.relu(net.conv(net.concatenation([a, b], "concat"), "c"), "relu_c")
    let graph = net.finished(net.conv(c, "depthwise", groups: 4))
    var configuration = QuantizationConfiguration()
    change(&configuration)
    return try createCompressedModel(graph, configuration, device: .any, calibration: nil, communicator: SingleProcess()).statistics()
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

  @Test("the text has NNCF's three tables")
  func text() throws {
    let lines = try statistics().description.split(separator: "\n").map(String.init)
    for row in [
      "Statistics of the quantization algorithm", "| Ratio of enabled quantizations | 100.00 |", "Statistics of the quantization share",
      "| Symmetric WQs / All placed WQs   | 100.00 % (4 / 4) |", "| Per-channel AQs / All placed AQs | 33.33 % (1 / 3)  |",
      "| Placed AQs / Potential AQs       | 75.00 % (3 / 4)  |", "Statistics of the bitwidth distribution",
      "| 8            | 100.00 % (4 / 4)        | 100.00 % (3 / 3)        | 100.00 % (7 / 7)      |",
    ] {
      #expect(lines.contains(row), "\(row)")
    }
  }

  @Test("they survive a round trip through JSON, and nothing placed is no division by zero")
  func codable() throws {
    let statistics = try statistics()
    #expect(try JSONDecoder().decode(QuantizationStatistics.self, from: JSONEncoder().encode(statistics)) == statistics)
    let none = try self.statistics { $0.targetScopes = ["relu_a"] }
    #expect(none.weights.total == 0 && none.description.contains("0.00 % (0 / 0)"))
  }
}
