import ArgumentParser
import QAT

/// `qat evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure the accuracy of a network, fp32 or quantized.",
    discussion: """
      A file that 'qat' has exported, or a checkpoint, is evaluated with the integers that a runtime computes with, and says itself how its pixels are \
      normalised; a checkpoint also on which data. With a \
      configuration that has 'compression', an fp32 model is quantized first, without fine-tuning.

        qat evaluate --model int8.onnx --data /data/fashion-mnist --json
        qat evaluate --model runs/b/best
      """)

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption
  @OptionGroup var data: DataOption
  @OptionGroup var running: RunningOptions

  @Option(help: "Which part of the data: \(Split.allCases.map(\.rawValue).joined(separator: " or ")).")
  var split = Split.test

  @Option(name: .customLong("batch-size"), help: "Samples in one batch; changes no accuracy, and the loss in its last digits only.")
  var batchSize = 100

  @Flag(help: "One JSON object on stdout: top1, top5 (fractions), loss, count.")
  var json = false

  func validate() throws { try requirePositive([("--batch-size", batchSize)]) }

  func run() throws {
    try Session.run("evaluate", running) { session in
      let inputs = try session.begin(values: { $0.sharedValues() }) { try Inputs(self) }
      inputs.configuration.warnings.forEach(session.warn)
      if inputs.preprocessing == nil {
        session.warn("no normalisation is known: pixels stay in [0, 1]. Say it in a configuration's 'data', 'normalize'")
      }
      let preprocessing = inputs.preprocessing ?? Preprocessing()
      let graph = try deployed(inputs, preprocessing, session)
      let result = try QAT.evaluate(
        graph, dataset: inputs.samples, preprocessing: preprocessing, batchSize: batchSize,
        communicator: session.communicator)
      session.result(json ? result.json.text() : result.text)
      return .done
    }
  }

  /// What runs: the network itself, or, when it is to be quantized, the network that its export would be.
  private func deployed(_ inputs: Inputs, _ preprocessing: Preprocessing, _ session: Session) throws -> Graph {
    if inputs.model.restored != nil, inputs.model.graph.isQuantized { return try session.together { try lower(inputs.model.graph).simulation } }
    guard let quantization = inputs.configuration.nncf.quantization, !inputs.model.graph.isQuantized else { return inputs.model.graph }
    let calibration = try session.together {
      let dataset = try openDataset(inputs.trainingPath, split: .train)
      try inputs.model.graph.requireFit(dataset)
      return try CalibrationSource(
        dataset: dataset, preprocessing: preprocessing, count: quantization.calibrationSampleCount(), seed: inputs.configuration.seed)
    }
    let controller = try quantize(
      inputs.model.graph, inputs.configuration.nncf, calibration: calibration, session, seed: inputs.configuration.seed)
    return try lower(controller?.graph ?? inputs.model.graph).simulation
  }

  /// What is read, on every rank.
  private struct Inputs {
    var configuration: RunConfiguration
    var model: LoadedModel
    var samples: any Dataset
    var trainingPath: String
    /// The configuration's normalisation, else the file's own.
    var preprocessing: Preprocessing?

    /// What every rank must have read alike.
    func sharedValues() -> [SharedValue] { [configuration.sharedValue, model.graph.sharedValue, samples.sharedValue("the data")] }

    init(_ command: EvaluateCommand) throws {
      let restored = command.model.format == nil && RestoredRun.isPlace(command.model.model) ? try RestoredRun(command.model.model) : nil
      var configuration = try command.config.path.map { try RunConfiguration(contentsOf: $0) } ?? restored?.record.configuration ?? RunConfiguration()
      if let data = command.data.path {
        configuration.data.train = data
        configuration.data.validation = nil
      }
      guard let path = configuration.data.train ?? configuration.data.validation else {
        throw CommandError(.usage, "no data is given: add --data, or --config with the keys 'data', 'train'")
      }
      trainingPath = path
      samples = try openDataset(command.split == .test ? configuration.data.validation ?? path : path, split: command.split)
      model =
        try restored.map { LoadedModel($0) }
        ?? LoadedModel(
          command.model.model, format: command.model.format, classes: samples.classCount, seed: configuration.seed,
          shapes: command.model.shape.shapes, inputInfo: configuration.nncf.inputInfo)
      try model.graph.requireInputs(configuration.nncf.inputInfo)
      try model.graph.requireFit(samples)
      preprocessing = configuration.data.normalize != nil ? configuration.data.preprocessing : ModelMetadata.preprocessing(model.metadata)
      try preprocessing?.validate(for: samples.sampleShape)
      self.configuration = configuration
    }
  }
}

extension Split: ExpressibleByArgument {}

extension Evaluation {
  /// What `--json` shows.
  var json: JSONValue { ["top1": .number(top1), "top5": .number(top5), "loss": .number(loss), "count": .integer(count)] }

  /// For people.
  var text: String {
    """
    top-1   \(Numbers.percent(top1))
    top-5   \(Numbers.percent(top5))
    loss    \(Numbers.fixed(loss, 4))
    samples \(count)
    """
  }
}
