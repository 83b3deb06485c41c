import ArgumentParser
import QAT

/// `qat evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure the accuracy of a network, fp32 or quantized.",
    discussion: """
      A quantized network, from a file that 'qat' has exported or a checkpoint, is evaluated in the arithmetic of the runtime it is for: integer products and \
      between them the runtime's own roundings, so that its scores are those of the deployed network bit for bit (docs/deployment.md says of which \
      operators). The file says itself how its pixels are normalised; a checkpoint also on which data. With a configuration that has 'compression', an fp32 \
      model is quantized first, without fine-tuning.

        qat evaluate --model int8.onnx --data /data/fashion-mnist --json
        qat evaluate --model runs/b/best --target openvino
        qat evaluate --model runs/b/best --arithmetic float
      """)

  /// How a quantized network is computed.
  enum Arithmetic: String, ExpressibleByArgument, CaseIterable {
    case deployed
    case float
  }

  @OptionGroup var model: ModelOption
  @OptionGroup var config: OptionalConfigurationOption
  @OptionGroup var data: DataOption
  @OptionGroup var running: RunningOptions

  @Option(help: "Which part of the data: \(Split.allCases.map(\.rawValue).joined(separator: " or ")).")
  var split = Split.test

  @Option(name: .customLong("batch-size"), help: "Samples in one batch; changes no accuracy, and the loss in its last digits only.")
  var batchSize = 100

  @Option(
    help:
      "deployed: a quantized network as its runtime computes it. float: as training sees it, which is faster. Others are always float.")
  var arithmetic = Arithmetic.deployed

  @Option(
    help:
      "Whose arithmetic; what the file is for when left out: as it says, else tensorflow for .pb and onnxruntime for others. portable: of every runtime, for networks whose scales are powers of two."
  )
  var target: Runtime?

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
      let graph = try quantized(inputs, preprocessing, session)
      let lowered = graph.isQuantized ? try session.together { try lower(graph) } : nil
      let result = try evaluate(graph, lowered, inputs, preprocessing, session)
      try session.result(json ? result.json.text() : result.text)
      return .done
    }
  }

  private func evaluate(
    _ graph: Graph, _ lowered: LoweredGraph?, _ inputs: Inputs, _ preprocessing: Preprocessing, _ session: Session
  ) throws -> Evaluation {
    guard let lowered, arithmetic == .deployed else {
      return try QAT.evaluate(
        lowered?.simulation ?? graph, dataset: inputs.samples, preprocessing: preprocessing, batchSize: batchSize, communicator: session.communicator,
        loss: inputs.loss, options: inputs.configuration.loadingOptions, metrics: inputs.metrics)
    }
    let written = ModelMetadata.target(inputs.model.metadata)
    let runtime = target ?? inputs.model.runtime
    if written == .onnxRuntime, runtime == .openVINO || runtime == .portable, !lowered.residualBranches.isEmpty {
      session.warn(
        "the file is for ONNX Runtime; OpenVINO leaves out roundings of its residual branches. This is the accuracy of a file that is exported with "
          + "--target \(runtime.rawValue)")
    }
    session.note("in the arithmetic of \(runtime.name)")
    return try Evaluator(
      lowered, in: runtime, dataset: inputs.samples, preprocessing: preprocessing, batchSize: batchSize, communicator: session.communicator,
      loss: inputs.loss, options: inputs.configuration.loadingOptions, metrics: inputs.metrics
    ).run()
  }

  /// The network itself or, when the configuration says so, with quantizers.
  private func quantized(_ inputs: Inputs, _ preprocessing: Preprocessing, _ session: Session) throws -> Graph {
    guard inputs.model.restored == nil, let quantization = inputs.configuration.nncf.quantization, !inputs.model.graph.isQuantized else {
      return inputs.model.graph
    }
    let calibration = try session.together {
      let dataset = try openDataset(
        inputs.trainingPath, split: .train, targets: inputs.configuration.loss.targetReading, channels: inputs.configuration.data.channels)
      try requireFit(inputs.model.graph, dataset, preprocessing, loss: nil)
      return try CalibrationSource(
        dataset: dataset, preprocessing: preprocessing, count: quantization.calibrationSampleCount(), seed: inputs.configuration.seed,
        options: inputs.configuration.loadingOptions)
    }
    let controller = try quantize(
      inputs.model.graph, inputs.configuration.nncf, calibration: calibration, session, seed: inputs.configuration.seed, loss: inputs.loss)
    return controller?.graph ?? inputs.model.graph
  }

  /// What is read, on every rank.
  private struct Inputs {
    var configuration: RunConfiguration
    var model: LoadedModel
    var samples: any Dataset
    var trainingPath: String
    /// The configuration's preprocessing, else the file's own.
    var preprocessing: Preprocessing?
    /// How outputs are judged.
    var loss: any OutputLoss
    /// What is measured. There is no uncompressed network here that one could agree with.
    var metrics: [Metric] { configuration.metrics.filter { $0 != .agreement } }

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
      let reading = configuration.loss.readsTargets ? configuration.loss.targetReading : .asStored
      samples = try openDataset(
        command.split == .test ? configuration.data.validation ?? path : path, split: command.split, targets: reading,
        channels: configuration.data.channels)
      model =
        try restored.map { LoadedModel($0) }
        ?? LoadedModel(
          command.model.model, format: command.model.format, classes: max(1, samples.classCount), seed: configuration.seed,
          shapes: command.model.shape.shapes, inputInfo: configuration.nncf.inputInfo)
      try model.graph.requireInputs(command.model.shape.shapes.overriding(configuration.nncf.inputInfo, of: model.graph))
      preprocessing = configuration.data.normalize != nil ? configuration.data.preprocessing : Preprocessing(notes: model.metadata)
      loss = try configuration.makeLoss(of: model.graph, target: samples.target, smooths: false)
      try requireFit(model.graph, samples, preprocessing ?? Preprocessing(), loss: loss)
      self.configuration = configuration
    }
  }
}

extension Split: ExpressibleByArgument {}

extension Evaluation {
  /// What `--json` shows.
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("top1", .number(top1)), .init("top5", .number(top5)), .init("loss", .number(loss)), .init("count", .integer(count)),
    ]
    for (name, value) in measured.sorted(by: { $0.key < $1.key }) where name != "top1" && name != "top5" {
      members.append(.init(name, .number(value)))
    }
    return .object(members)
  }

  /// For people.
  var text: String {
    let width = max(7, figures.map(\.title.count).max() ?? 0)
    func line(_ title: String, _ text: String) -> String { title + String(repeating: " ", count: width + 1 - title.count) + text }
    return (figures.map { line($0.title, $0.isFraction ? Numbers.percent($0.value) : Numbers.fixed($0.value, 4)) } + [line("samples", "\(count)")])
      .joined(separator: "\n")
  }
}
