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

/// Networks whose bit widths HAWQ has chosen, in ONNX Runtime.
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
    try ONNXFile.write(lowered, to: folder.file("mixed.onnx"))
    var net = QuantizedNetwork(channels: 1, size: 28, seed: 3)
    let images = net.images(16)
    var executor = try ReferenceExecutor<Float>(lowered.simulation, batchSize: 16)
    let ours = try #require(try executor.forward(["input": images], mode: .evaluation)["logits"]).elements
    let theirs = try #require(try PythonRuntime.outputs(of: folder.file("mixed.onnx"), on: images, in: folder)["logits"])
    let largest = ours.map(abs).max() ?? 0
    #expect(largest > 0)
    // A value on the border of two codes may fall to either side, and with few codes that is far.
    #expect(zip(ours, theirs).count { abs($0 - $1) <= 0.05 * largest } >= 150, "\(zip(ours, theirs).map { $0 - $1 })")
  }
}
