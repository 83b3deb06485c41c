import Foundation
import QATCommunication
import QATGraph
import QATJSON
import QATModels
import Testing

@testable import QATQuantization

@Suite("HAWQ gives weights bits by their traces, and activations by the weights")
struct HAWQTests {
  /// Two convolutions of 9216 multiply-adds and a linear layer of 768.
  private let network: Graph = {
    var net = NetworkBuilder.small()
    var x = net.relu(net.conv(net.input, "conv1"), "relu1")
    x = net.relu(net.conv(x, "conv2"), "relu2")
    return net.finished(net.linear(net.flatten(x, "flatten"), "fc", features: 3))
  }()

  /// Quantizes with traces from a file.
  private func quantized(
    _ traces: [(String, Double)] = [("conv1", 10), ("conv2", 0.1), ("fc", 1)], on device: TargetDevice = .trial, bits: [Int] = [4, 8],
    ratio: Double = 1.2, _ change: (inout QuantizationConfiguration) -> Void = { _ in }
  ) throws -> CompressionController {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("traces-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let entries = traces.map { JSONValue.object([.init("quantizer", .string("\($0)|WEIGHT")), .init("average_trace", .number($1))]) }
    try JSONValue.object([.init("traces", .array(entries))]).text().write(toFile: path, atomically: true, encoding: .utf8)
    var configuration = QuantizationConfiguration()
    var precision = QuantizationConfiguration.PrecisionInitializer()
    precision.kind = .hawq
    (precision.hawq.bitWidths, precision.hawq.compressionRatio, precision.hawq.tracesPath) = (bits, ratio, path)
    configuration.precision = precision
    change(&configuration)
    return try createCompressedModel(network, configuration, device: device, calibration: nil, communicator: SingleProcess())
  }

  private func bits(_ controller: CompressionController) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: controller.setup.points.map { ($0.id, $0.specification.bits) })
  }

  /// Full cost 8 · 19200. With 4 bits for conv2 8 · 9984 + 4 · 9216 remain, with fc as well 8 · 9216 + 4 · 9984, with all half.
  @Test(
    "the least perturbation that is cheap enough wins",
    arguments: [
      (1.0, [8, 8, 8], 1.0), (1.2, [8, 4, 8], 153600.0 / 116736), (1.34, [8, 4, 4], 153600.0 / 113664), (1.5, [4, 4, 4], 2.0),
    ] as [(Double, [Int], Double)])
  func ratios(asked: Double, weights: [Int], ratio: Double) throws {
    let controller = try quantized(ratio: asked)
    #expect(controller.setup.weightPoints.map(\.specification.bits) == weights)
    // Every activation is as wide as the weight that reads it.
    #expect(controller.setup.activationPoints.map(\.specification.bits) == weights)
    let report = try #require(controller.precision)
    #expect(abs(report.ratio - ratio) < 1e-12)
    #expect(report.layers.map(\.id) == ["conv2|WEIGHT", "fc|WEIGHT", "conv1|WEIGHT"])
    #expect(report.layers.map(\.operations) == [9216, 768, 9216])
    #expect(report.candidateCount == 4 && report.lowestRatio == 1 && report.highestRatio == 2)
    #expect(report.assignments.map(\.bits) == controller.setup.points.map(\.specification.bits))
    #expect(controller.compressionState.setup == controller.setup)
    #expect(controller.statistics().bitWidths.reduce(0) { $0 + $1.weights } == 3)
  }

  @Test("the perturbation is the sum of traces times squared errors")
  func perturbation() throws {
    let report = try #require(try quantized().precision)
    let expected = try report.layers.reduce(0.0) { sum, layer in
      sum + layer.averageTrace * (try #require(layer.errors.first { $0.bits == layer.bits }).squaredError)
    }
    #expect(abs(report.perturbation - expected) < 1e-12)
    for layer in report.layers {
      #expect(layer.errors.map(\.bits) == [4, 8])
      // Sixteen times coarser steps make errors about 256 times larger.
      let ratio = layer.errors[0].squaredError / layer.errors[1].squaredError
      #expect(ratio > 100 && ratio < 700, "\(layer.id): \(ratio)")
    }
  }

  @Test("weights that the table or an override leaves one width take no part in the order")
  func fixedWeights() throws {
    let controller = try quantized([("conv1", 10), ("conv2", 0.1), ("fc", 1)], ratio: 1.3) {
      var fixed = QuantizationConfiguration.Demands()
      fixed.bits = 8
      $0.weights.overrides = [.init("conv2", fixed)]
    }
    #expect(bits(controller)["conv2|WEIGHT"] == 8)
    #expect(bits(controller)["conv1|WEIGHT"] == 4)
    #expect(bits(controller)["fc|WEIGHT"] == 4)
  }

  @Test("on NPU activations have what its table offers: 8 or 4 bits beside weights of 2")
  func npu() throws {
    let controller = try quantized(on: .npu, bits: [2, 4, 8], ratio: 1.9)
    #expect(controller.setup.weightPoints.allSatisfy { [2, 4].contains($0.specification.bits) })
    #expect(controller.setup.activationPoints.allSatisfy { $0.specification.bits == 4 })
  }

  @Test("strict: all quantizers that feed the same operators have one width")
  func strict() throws {
    let controller = try quantized(on: .npu, bits: [2, 4, 8], ratio: 1.2) { $0.precision?.hawq.assignmentMode = .strict }
    for group in controller.setup.sharedInputGroups { #expect(Set(group.compactMap { bits(controller)[$0] }).count == 1, "\(group)") }
    #expect {
      try quantized {
        $0.precision?.hawq.assignmentMode = .strict
        var (four, eight) = (QuantizationConfiguration.Demands(), QuantizationConfiguration.Demands())
        (four.bits, eight.bits) = (4, 8)
        $0.weights.overrides = [.init("conv2", four)]
        $0.activations.overrides = [.init("conv2", eight)]
      }
    } throws: {
      "\($0)".contains("have none in common: 'conv2|WEIGHT' (4), 'relu1|OUTPUT' (8)")
    }
  }

  @Test("what cannot be met is said with what could")
  func refusals() throws {
    #expect { try quantized(ratio: 3) } throws: {
      "\($0)".contains("a compression_ratio of 3.0 cannot be had; the bit widths on offer give 1.0 to 2.0")
    }
    #expect { try quantized(on: .cpu) } throws: { "\($0)".contains("the device CPU has weights of 8 bits, of which \"bits\" lists only 8") }
    #expect { try quantized([("conv1", 1), ("conv2", 1), ("other", 1)]) } throws: {
      "\($0)".contains("no trace of 'fc|WEIGHT'") && "\($0)".contains("a trace of 'other|WEIGHT', which is no weight quantizer")
    }
  }

  @Test("without data and traces the widths stay, with a warning; with data and no loss it is an error")
  func withoutData() throws {
    var configuration = QuantizationConfiguration()
    configuration.precision = .init()
    configuration.precision?.kind = .hawq
    let controller = try createCompressedModel(network, configuration, device: .npu, calibration: nil, communicator: SingleProcess())
    #expect(controller.warnings.contains { $0.contains("HAWQ has not chosen bit widths") })
    #expect(controller.setup.points.allSatisfy { $0.specification.bits == 8 })
    let samples = ArraySource(samples: [[Float]](repeating: [Float](repeating: 0.5, count: 256), count: 4))
    #expect { try createCompressedModel(network, configuration, device: .npu, calibration: samples, communicator: SingleProcess()) } throws: {
      "\($0)".contains("pass a PrecisionTask")
    }
  }

  @Test("what is written holds the traces, the widths as the configuration takes them, and every candidate")
  func files() throws {
    let report = try #require(try quantized(ratio: 1.2) { $0.precision?.hawq.dumpsData = true }.precision)
    let files = Dictionary(uniqueKeysWithValues: report.files.map { ($0.name, $0.text) })
    let pairs = try JSONDocument.parse(try #require(files["bitwidth_per_scope.json"]), file: "b").root["bitwidth_per_scope"]?.array
    #expect(pairs?.count == 6)
    #expect(pairs?.compactMap { $0.array?[1].string }.contains("conv2|WEIGHT") == true)
    let traces = try JSONDocument.parse(try #require(files["hawq_traces.json"]), file: "t").root["traces"]?.array
    #expect(traces?.compactMap { $0["average_trace"]?.number?.double } == [0.1, 1, 10])
    let lines = try #require(files["hawq_candidates.csv"]).split(separator: "\n")
    #expect(lines[0] == "ratio,perturbation,\"conv2|WEIGHT\",\"fc|WEIGHT\",\"conv1|WEIGHT\"")
    #expect(lines.count == 5 && lines[1].hasPrefix("2.0,") && lines[1].hasSuffix(",4,4,4"))
  }
}
