import Foundation
import QATCommunication
import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("A compressed model is quantized, initialised and can be restored")
struct CompressionControllerTests {
  private let network: Graph = {
    var net = NetworkBuilder.small(channels: 2)
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1"), "bn1"), "relu")
    return net.finished(net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3))
  }()

  /// Six images of values from −0.3 to 0.7.
  private let samples: ArraySource = {
    let images = (0..<6).map { image -> [Float] in (0..<128).map { pixel -> Float in Float((pixel * 7 + image * 13) % 11 - 3) / 10 } }
    return ArraySource(samples: images)
  }()

  private func created(_ calibration: ArraySource?, _ change: (inout QuantizationConfiguration) -> Void = { _ in }) throws -> CompressionController {
    var config = NNCFConfig()
    var quantization = QuantizationConfiguration()
    change(&quantization)
    config.quantization = quantization
    return try createCompressedModel(network, config, calibration: calibration, calibrationBatchSize: 2, communicator: SingleProcess())
  }

  @Test("ranges and signs come from the data, batch norm is adapted, trained weights stay")
  func initialised() throws {
    let controller = try created(samples)
    let graph = try controller.graph.validated()
    #expect(controller.warnings.isEmpty)
    // The samples lie in [−0.3, 0.7], so the input is signed with scale 0.7; what a ReLU gives is not.
    #expect(controller.setup["input|OUTPUT"]?.specification.signed == true)
    #expect(controller.setup["relu|OUTPUT"]?.specification.signed == false)
    let scale = try #require(graph.tensor("input|OUTPUT.scale")?.floats)
    #expect(abs(scale[0] - 0.7) < 1e-6)
    #expect(graph.node(named: "input|OUTPUT")?.as(FakeQuantize.self)?.mode == .symmetric(signed: true))
    #expect(graph.tensor("bn1.running_mean") != network.tensor("bn1.running_mean"))
    for (name, constant) in network.constants where constant.role != .statistic { #expect(graph.constants[name] == constant) }
  }

  @Test("without adaptation the running statistics stay")
  func noAdaptation() throws {
    let controller = try created(samples) { $0.batchNormAdaptationSampleCount = 0 }
    for (name, constant) in network.constants { #expect(controller.graph.constants[name] == constant, "\(name)") }
  }

  @Test("without samples weights are initialised and a warning names the activations")
  func noSamples() throws {
    let controller = try created(nil)
    #expect(controller.graph.tensor("input|OUTPUT.scale") == Tensor([1], shape: [1]))
    #expect(controller.graph.tensor("conv1|WEIGHT.scale") != Tensor(repeating: 1, shape: [4]))
    #expect(controller.warnings.count == 1)
    #expect(controller.warnings[0].contains("3 of 5 quantizers") && controller.warnings[0].contains("relu|OUTPUT"))
  }

  @Test("without a quantization section the network stays as it is")
  func noSection() throws {
    let controller = try createCompressedModel(network, NNCFConfig(), calibration: nil, communicator: SingleProcess())
    #expect(controller.graph.nodes.map(\.name) == network.nodes.map(\.name))
    #expect(controller.setup.points.isEmpty)
    let state = try created(samples).compressionState
    #expect(throws: QuantizationError.self) {
      try createCompressedModel(network, NNCFConfig(), calibration: nil, communicator: SingleProcess(), compressionState: state)
    }
  }

  @Test("the scheduler counts from −1 and takes given numbers")
  func scheduler() {
    let scheduler = CompressionScheduler()
    #expect(scheduler.state == .init(currentStep: -1, currentEpoch: -1))
    scheduler.epochStep()
    for _ in 0..<3 { scheduler.step() }
    #expect(scheduler.state == .init(currentStep: 2, currentEpoch: 0))
    scheduler.step(10)
    scheduler.epochStep(4)
    #expect(scheduler.state == .init(currentStep: 10, currentEpoch: 4))
  }

  @Test("quantization adds nothing to the loss and is complete from the start; one process agrees with itself")
  func trivia() throws {
    let controller = try created(samples)
    #expect(controller.loss() == 0)
    #expect(controller.compressionStage == .fullyCompressed)
    let before = controller.graph.constants
    try controller.distributed()
    #expect(controller.graph.constants == before)
  }

  @Test("setups that differ in anything have different fingerprints")
  func fingerprints() throws {
    let setup = try place(network)
    var changed = [setup]
    for change: (inout QuantizationConfiguration) -> Void in [
      { $0.preset = .mixed }, { $0.overflowFix = .disable }, { $0.weights.demands.perChannel = false }, { $0.activations.demands.signed = true },
      { $0.quantizesInputs = false },
    ] {
      changed.append(try place(network, change))
    }
    var grouped = setup
    grouped.unifiedScaleGroups = [["input|OUTPUT", "relu|OUTPUT"]]
    changed.append(grouped)
    #expect(Set(changed.map(\.fingerprint)).count == changed.count)
    #expect(setup.fingerprint == (try place(network)).fingerprint)
  }
}
