import QATCommunication
import QATData
import QATEngine
import QATLowering
import QATModels
import QATONNX
import QATQuantization
import QATTensor
import QATTraining
import Testing

/// Networks of few and of mixed bit widths, in ONNX Runtime.
@Suite struct MixedPrecisionTests {
  @Test func chosenByCurvatureTheyMeanTheSameToTheRuntimeAndToUs() throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: "resnet_small", classes: 10))
    var configuration = QuantizationConfiguration()
    configuration.weights.demands.perChannel = true
    configuration.range = .everywhere(.init(.minMax, sampleCount: 32))
    configuration.batchNormAdaptationSampleCount = 32
    configuration.precision = .init()
    configuration.precision?.kind = .hawq
    configuration.precision?.hawq.bitWidths = [3, 4, 6, 8]
    configuration.precision?.hawq.compressionRatio = 1.3
    configuration.precision?.hawq.sampleCount = 32
    configuration.precision?.hawq.probeCount = 2
    let data = try openDataset("synthetic:1,28,28,10,64", split: .train)
    let samples = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 32, seed: 0)
    let controller = try createCompressedModel(
      graph, configuration, device: .trial, calibration: samples, precision: PrecisionTask(objective: try CrossEntropy(of: graph)),
      communicator: SingleProcess())
    let widths = Set(controller.setup.points.map(\.specification.bits))
    #expect(widths.count > 1 && widths.isSubset(of: [3, 4, 6, 8]), "\(widths)")

    let lowered = try lower(controller.graph)
    #expect(lowered.floatOperators.isEmpty, "\(lowered.floatOperators)")
    try compare(lowered, in: folder)
  }

  struct Form: Sendable, CustomTestStringConvertible {
    var bits: Int
    var mode: QuantizationConfiguration.Mode
    var perChannel: Bool
    var testDescription: String { "\(bits) bits \(mode.rawValue) \(perChannel ? "per channel" : "per tensor")" }
  }

  @Test(arguments: [
    Form(bits: 2, mode: .symmetric, perChannel: false), Form(bits: 3, mode: .symmetric, perChannel: true),
    Form(bits: 5, mode: .symmetric, perChannel: false),
    Form(bits: 6, mode: .symmetric, perChannel: true), Form(bits: 7, mode: .symmetric, perChannel: false),
    Form(bits: 4, mode: .asymmetric, perChannel: true),
    Form(bits: 3, mode: .asymmetric, perChannel: false),
  ])
  func everyFormOfWeightsIsHeldByTheFile(_ form: Form) throws {
    let folder = try TemporaryFolder()
    let graph = try #require(architecture(named: "resnet_small", classes: 10))
    var configuration = QuantizationConfiguration()
    (configuration.weights.demands.bits, configuration.activations.demands.bits) = (form.bits, 8)
    (configuration.weights.demands.mode, configuration.weights.demands.perChannel) = (form.mode, form.perChannel)
    configuration.range = .everywhere(.init(.minMax, sampleCount: 32))
    configuration.batchNormAdaptationSampleCount = 32
    let data = try openDataset("synthetic:1,28,28,10,64", split: .train)
    let samples = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 32, seed: 0)
    let lowered = try lower(
      createCompressedModel(graph, configuration, device: .trial, calibration: samples, communicator: SingleProcess()).graph)
    if form.mode == .symmetric {
      #expect(lowered.floatOperators.isEmpty, "\(lowered.floatOperators)")
      let half = 1 << (form.bits - 1)
      #expect(!lowered.weights.isEmpty && lowered.weights.values.allSatisfy { $0.codes.allSatisfy { (-half...2 * half - 1).contains(Int($0)) } })
    } else {
      #expect(lowered.floatOperators.contains { $0.reason.contains("its weight is quantized asymmetrically") })
    }
    try compare(lowered, in: folder)
  }

  /// Compares the scores of the runtime with ours.
  private func compare(_ lowered: LoweredGraph, in folder: TemporaryFolder) throws {
    try ONNXFile.write(lowered, to: folder.file("low.onnx"))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let images = net.images(16)
    var executor = try ReferenceExecutor<Float>(lowered.simulation, batchSize: 16)
    let ours = try #require(try executor.forward(["input": images], mode: .evaluation)["logits"]).elements
    let theirs = try #require(try PythonRuntime.outputs(of: folder.file("low.onnx"), on: images, in: folder)["logits"])
    let largest = ours.map(abs).max() ?? 0
    #expect(largest > 0)
    // A value on the border of two codes may fall to either side, and with few codes that is far.
    #expect(zip(ours, theirs).count { abs($0 - $1) <= 0.05 * largest } >= 150, "\(zip(ours, theirs).map { $0 - $1 })")
  }
}
