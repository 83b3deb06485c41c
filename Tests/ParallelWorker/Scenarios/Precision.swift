import QATCommunication
import QATData
import QATGraph
import QATModels
import QATQuantization
import QATTraining

/// `precision`: chooses the bit widths of a small network by the curvature of its loss, with three batches and with one, and prints a hash of the traces and what was
/// chosen.
@Sendable func precisionScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var net = NetworkBuilder(name: "tiny", input: [2, 6, 6])
  let x = net.relu(net.batchNormalization(net.convolution(net.input, "conv", channels: 4, kernel: 3), "bn"), "relu")
  let y = net.relu(net.convolution(x, "conv2", channels: 4, kernel: 3), "relu2")
  let scores = net.linear(net.flatten(y, "flatten"), "fc", features: 10)
  let graph = net.graph(output: scores)
  for samples in [48, 16] {
    var configuration = QuantizationConfiguration()
    configuration.batchNormAdaptationSampleCount = 0
    configuration.range = .everywhere(.init(.minMax, sampleCount: 16))
    var precision = QuantizationConfiguration.PrecisionInitializer()
    precision.kind = .hawq
    (precision.hawq.sampleCount, precision.hawq.probeCount, precision.hawq.tolerance) = (samples, 9, 1e-2)
    (precision.hawq.bitWidths, precision.hawq.compressionRatio) = ([4, 6, 8], 1.3)
    configuration.precision = precision
    let data = try openDataset("synthetic:2,6,6,10,200", split: .train)
    let source = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 48, seed: 3)
    let controller = try createCompressedModel(
      graph, configuration, device: .trial, calibration: source, calibrationBatchSize: 16,
      precision: PrecisionTask(objective: try CrossEntropy(of: graph), seed: 7), communicator: communicator)
    guard let report = controller.precision, let progress = report.progress else { throw ScenarioError("HAWQ has chosen nothing") }
    var hash = UInt64(14_695_981_039_346_656_037)
    for layer in report.layers { hash = (hash ^ layer.averageTrace.bitPattern) &* 1_099_511_628_211 }
    let bits = report.assignments.map { "\($0.bits)" }.joined(separator: " ")
    communicator.say("\(progress.probes) probes, widths \(bits), bits \(hash)")
  }
}
