import QATGraph
import QATModels
import Testing

@testable import QATQuantization

@Suite("A quantizer that repeats one above it is removed")
struct RedundancyTests {
  private static let eight = QuantizerOption()
  private static let asymmetric = QuantizerOption(mode: .asymmetric)
  private static let perChannel = QuantizerOption(perChannel: true)
  private static let four = QuantizerOption(bits: 4)

  /// Quantizers on relu and behind the max-pool that follows it: which are left.
  private func left(upper: QuantizerOption, lower: QuantizerOption, lowerGroup: Int? = nil) throws -> [String] {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    let graph = net.finished(net.conv(net.maxPool(x, "pool", kernel: 2, stride: 2), "conv2"))
    let quantizationGraph = QuantizationGraph(try LiveGraph(graph), device: .any) { _ in nil }
    var propagation = QuantizerPropagation(quantizationGraph, table: TargetDevice.any.table)
    for (name, option, group) in [("conv1", upper, nil), ("pool", lower, lowerGroup)] {
      let vertex = try #require(quantizationGraph.vertices.firstIndex { $0.name == name })
      let location = PropagatingQuantizer.Location.output(vertex)
      propagation.quantizers[location] = PropagatingQuantizer(options: [option], location: location, sinks: [], group: group)
    }
    propagation.removeRedundant()
    var choices = QuantizerChoices()
    return propagation.setup(weights: [], quantizesInputs: true, &choices).activationIDs
  }

  @Test(
    "when the upper grid is at least as coarse",
    arguments: [(eight, eight), (eight, asymmetric), (eight, perChannel), (perChannel, perChannel), (asymmetric, asymmetric)])
  func removed(_ upper: QuantizerOption, _ lower: QuantizerOption) throws {
    #expect(try left(upper: upper, lower: lower) == ["relu|OUTPUT"])
  }

  @Test("not when bits, mode or granularity add something", arguments: [(eight, four), (four, eight), (asymmetric, eight), (perChannel, eight)])
  func kept(_ upper: QuantizerOption, _ lower: QuantizerOption) throws {
    #expect(try left(upper: upper, lower: lower) == ["relu|OUTPUT", "pool|OUTPUT"])
  }

  @Test("not when it shares its scale with others")
  func unified() throws {
    #expect(try left(upper: Self.eight, lower: Self.eight, lowerGroup: 0) == ["relu|OUTPUT", "pool|OUTPUT"])
  }
}
