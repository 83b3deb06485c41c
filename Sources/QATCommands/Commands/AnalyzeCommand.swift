import ArgumentParser
import QAT

/// `qat analyze`.
struct AnalyzeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze",
    abstract: "Find which layers cost how much accuracy: quantize each alone.",
    discussion: """
      Each operator's weight and the activations that it reads are quantized while everything else stays in fp32, and such a network is evaluated on some samples of the \
      validation data. The costliest layer comes first: candidates for 'ignored_scopes' or more bits. Ranges come from the training data as in 'quantize', or, \
      of a run, from its checkpoint. The numbers are the same for every number of ranks.

        qat analyze --model fp32.onnx --config int8.json --data /data/fashion-mnist
        qat analyze --model runs/b/best --samples 2000 --json
      """)

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption
  @OptionGroup var data: DataOption

  @Option(help: ArgumentHelp("Samples of the validation data to evaluate on, chosen by the seed.", valueName: "count"))
  var samples = 512

  @OptionGroup var running: RunningOptions

  @Flag(help: "One JSON object on stdout.")
  var json = false

  func validate() throws { try requirePositive([("--samples", samples)]) }

  func run() throws {
    try Session.run("analyze", running) { session in
      let inputs = try session.begin(values: { $0.sharedValues() }) { try Inputs(self) }
      inputs.configuration.warnings.forEach(session.warn)
      var network = inputs.network
      if network == nil, let source = inputs.source, let calibration = inputs.calibration,
        let controller = try quantize(source, inputs.configuration.nncf, calibration: calibration, session, seed: inputs.configuration.seed)
      {
        network = Inputs.Network(quantized: controller.graph, float: controller.floatGraph, setup: controller.setup)
      }
      guard let network else { throw CommandError(.input, Inputs.nothingToQuantize) }
      let sensitivity = try Sensitivity(
        of: network.quantized, float: network.float, setup: network.setup, samples: inputs.samples, communicator: session.communicator
      ) { layer, place, count in
        session.note("\(place + 1)/\(count)  \(layer.name)")
      }
      try session.result(json ? sensitivity.json.text() : sensitivity.text)
      return .done
    }
  }

  /// What is read, on every rank.
  private struct Inputs {
    /// A quantized network and what it came from.
    struct Network {
      var quantized: Graph
      var float: Graph
      var setup: QuantizerSetup
    }

    static let nothingToQuantize =
      "there is nothing to quantize: give --config with \"compression\": { \"algorithm\": \"quantization\" }, or the folder of a run that quantized"

    var configuration: RunConfiguration
    /// Of a run; nil where the quantizers are still to be made.
    var network: Network?
    /// The fp32 network of a file.
    var source: Graph?
    var calibration: CalibrationSource?
    var samples: CalibrationSource

    func sharedValues() -> [SharedValue] {
      [configuration.sharedValue] + [network?.quantized ?? source].compactMap { $0?.sharedValue }
    }

    init(_ command: AnalyzeCommand) throws {
      let restored = command.model.format == nil && RestoredRun.isPlace(command.model.model) ? try RestoredRun(command.model.model) : nil
      guard let configuration = try command.config.path.map({ try RunConfiguration(contentsOf: $0) }) ?? restored?.record.configuration else {
        throw CommandError(.usage, Self.nothingToQuantize)
      }
      guard let path = command.data.path ?? configuration.data.train else {
        throw CommandError(.usage, "no data is given: add --data, or --config with the keys 'data', 'train'")
      }
      let preprocessing = configuration.data.preprocessing
      let judged = configuration.loss.readsTargets ? configuration.loss.targetReading : .asStored
      let validation = try openDataset(
        command.data.path ?? configuration.data.validation ?? path, split: .test, targets: judged, channels: configuration.data.channels)
      samples = try CalibrationSource(
        dataset: validation, preprocessing: preprocessing, count: command.samples, seed: configuration.seed, options: configuration.loadingOptions)
      self.configuration = configuration
      if let restored, command.config.path == nil {
        guard let setup = restored.setup, restored.trained.isQuantized else { throw CommandError(.input, Self.nothingToQuantize) }
        network = Network(quantized: restored.trained, float: restored.float, setup: setup)
        return
      }
      guard let quantization = configuration.nncf.quantization else { throw CommandError(.input, Self.nothingToQuantize) }
      let training = try openDataset(path, split: .train, targets: configuration.loss.targetReading, channels: configuration.data.channels)
      let model =
        try restored.map { LoadedModel($0) }
        ?? LoadedModel(
          command.model.model, format: command.model.format, classes: max(1, training.classCount), seed: configuration.seed,
          shapes: command.model.shape.shapes, inputInfo: configuration.nncf.inputInfo)
      let graph = restored?.float ?? model.graph
      try graph.requireInputs(command.model.shape.shapes.overriding(configuration.nncf.inputInfo, of: graph))
      for dataset in [training, validation] { try requireFit(graph, dataset, preprocessing, loss: nil) }
      calibration = try CalibrationSource(
        dataset: training, preprocessing: preprocessing, count: quantization.calibrationSampleCount(), seed: configuration.seed,
        options: configuration.loadingOptions)
      source = graph
    }
  }
}
