import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTensor

/// `calibration`: quantizes small networks with samples of the synthetic data in every way to find ranges, and prints a hash of every parameter and
/// statistic that data gave. `calibration broken`: sample 37 holds a NaN.
@Sendable func calibrationScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  if arguments == ["broken"] {
    try calibrate(tiny(), .percentile, rangeSamples: 70, adaptationSamples: 0, brokenSample: 37, communicator)
    return
  }
  guard let residual = architecture(named: "resnet_small", classes: 10) else { throw ScenarioError("there is no resnet_small") }
  try calibrate(residual, .mixedMinMax, rangeSamples: 70, adaptationSamples: 100, communicator)
  for kind in QuantizationConfiguration.RangeInitializer.Kind.allCases {
    try calibrate(tiny(), kind, rangeSamples: 70, adaptationSamples: 0, communicator)
  }
  // Fewer batches than ranks.
  try calibrate(tiny(), .meanPercentile, rangeSamples: 20, adaptationSamples: 20, communicator)
}

/// A network with quantizers per tensor and, before its depthwise convolution, per channel.
private func tiny() -> Graph {
  var net = NetworkBuilder(name: "tiny", input: [2, 6, 6])
  let x = net.relu(net.batchNormalization(net.convolution(net.input, "conv", channels: 4, kernel: 3), "bn"), "relu")
  let y = net.convolution(x, "depthwise", channels: 4, kernel: 3, groups: 4)
  let output = net.linear(net.flatten(y, "flatten"), "fc", features: 3)
  return net.graph(output: output)
}

private func calibrate(
  _ graph: Graph, _ kind: QuantizationConfiguration.RangeInitializer.Kind, rangeSamples: Int, adaptationSamples: Int, brokenSample: Int? = nil,
  _ communicator: any Communicator
) throws {
  var configuration = QuantizationConfiguration()
  configuration.range = .everywhere(.init(kind, sampleCount: rangeSamples))
  configuration.batchNormAdaptationSampleCount = adaptationSamples
  configuration.preset = .mixed
  let shape = graph.inputs[0].type.dimensions.dropFirst().map { "\($0.fixedSize ?? 1)" }.joined(separator: ",")
  let data = try openDataset("synthetic:\(shape),10,200", split: .train)
  let source = BrokenSource(
    samples: try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 100, seed: 3), brokenSample: brokenSample)
  let controller = try createCompressedModel(
    graph, configuration, device: .cpu, calibration: source, calibrationBatchSize: 16, communicator: communicator)
  // One short line: what several ranks print at once arrives in pieces.
  var (hash, count) = (UInt64(14_695_981_039_346_656_037), 0)
  for constant in controller.graph.constants.keys.sorted() where graph.constants[constant]?.tensor != controller.graph.constants[constant]?.tensor {
    for value in controller.graph.tensor(constant)?.floats ?? [] { hash = (hash ^ UInt64(value.bitPattern)) &* 1_099_511_628_211 }
    count += 1
  }
  communicator.say("\(graph.name) \(kind) \(controller.setup.points.count) quantizers, \(count) tensors, bits \(hash)")
}

/// Samples of which one may hold a NaN.
private struct BrokenSource: BatchSource {
  let samples: CalibrationSource
  let brokenSample: Int?
  var sampleCount: Int { samples.sampleCount }

  func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) throws {
    try samples.read(range, input: input, into: destination)
    if let brokenSample, range.contains(brokenSample) {
      destination[(brokenSample - range.lowerBound) * (destination.count / range.count)] = .nan
    }
  }

  func name(of position: Int) -> String { samples.name(of: position) }
}
