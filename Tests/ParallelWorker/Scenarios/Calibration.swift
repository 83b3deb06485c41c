import QATCommunication
import QATData
import QATGraph
import QATModels
import QATQuantization

/// Quantizes the small networks with samples of the synthetic data, and prints a hash of every parameter and statistic that data gave.
@Sendable func calibrationScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var configuration = QuantizationConfiguration()
  configuration.range.sampleCount = 70
  configuration.batchNormAdaptationSampleCount = 100
  configuration.preset = .mixed
  for name in ["resnet_small", "mobilenet_small"] {
    guard let graph = architecture(named: name, classes: 10) else { throw ScenarioError("there is no \(name)") }
    let data = try openDataset("synthetic:1,28,28,10,200", split: .train)
    let source = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 100, seed: 3)
    let controller = try createCompressedModel(
      graph, configuration, device: .cpu, calibration: source, calibrationBatchSize: 16, communicator: communicator)
    // One short line: what several ranks print at once arrives in pieces.
    var (hash, count) = (UInt64(14_695_981_039_346_656_037), 0)
    for constant in controller.graph.constants.keys.sorted() where graph.constants[constant]?.tensor != controller.graph.constants[constant]?.tensor {
      for value in controller.graph.tensor(constant)?.floats ?? [] { hash = (hash ^ UInt64(value.bitPattern)) &* 1_099_511_628_211 }
      count += 1
    }
    communicator.say("\(name) \(controller.setup.points.count) quantizers, \(count) tensors, bits \(hash)")
  }
}
