import QAT

/// What training and quantizing start from, read on every rank and found to fit together.
struct RunInputs {
  var configuration: RunConfiguration
  var model: LoadedModel
  var training: any Dataset
  var validation: any Dataset

  /// Reads a configuration, then the data, then the model.
  /// - Parameters:
  ///   - configurationPath: the configuration file.
  ///   - model: the command line's model, which overrides the file's.
  ///   - shapes: shapes that the command line gives the model's inputs.
  ///   - data: the command line's data, which overrides the file's.
  ///   - overrides: sets what other flags say.
  /// - Throws: an error that names the file and the fault.
  init(
    configurationPath: String, model: String?, shapes: [InputShape] = [], data: String?, overrides: (inout RunConfiguration) throws -> Void = { _ in }
  ) throws {
    var configuration = try RunConfiguration(contentsOf: configurationPath)
    if let model { configuration.model = model }
    if let data {
      configuration.data.train = data
      configuration.data.validation = nil
    }
    try overrides(&configuration)
    try configuration.validate()
    guard let modelName = configuration.model else {
      throw CommandError(.usage, "no model is given: add --model, or the key 'model' in \(configurationPath)")
    }
    guard let trainingPath = configuration.data.train else {
      throw CommandError(.usage, "no data is given: add --data, or the keys 'data', 'train' in \(configurationPath)")
    }
    training = try openDataset(trainingPath, split: .train, targets: configuration.loss.targetReading, channels: configuration.data.channels)
    let judged = configuration.loss.readsTargets ? configuration.loss.targetReading : .asStored
    validation = try openDataset(
      configuration.data.validation ?? trainingPath, split: .test, targets: judged, channels: configuration.data.channels)
    self.model = try LoadedModel(
      modelName, classes: max(1, configuration.loss.readsTargets ? training.classCount : validation.classCount), seed: configuration.seed,
      shapes: shapes, inputInfo: configuration.nncf.inputInfo)
    // From another run come the weights; quantizers are this run's own.
    if let restored = self.model.restored { self.model.graph = restored.float }
    configuration.nncf.inputInfo = shapes.overriding(configuration.nncf.inputInfo, of: self.model.graph)
    self.configuration = configuration
    try self.model.graph.requireInputs(configuration.nncf.inputInfo)
    self.model.graph = try self.model.graph.freezing(configuration.frozenLayers)
    for (dataset, isJudged) in [(training, configuration.loss.readsTargets), (validation, true)] {
      let loss = isJudged ? try configuration.makeLoss(of: self.model.graph, target: dataset.target, smooths: false) : nil
      try requireFit(self.model.graph, dataset, configuration.data.preprocessing, loss: loss)
    }
  }

  /// The samples that initialise quantizers and batch norm; nil when the configuration asks for none.
  func calibration() throws -> CalibrationSource? {
    guard let quantization = configuration.nncf.quantization else { return nil }
    let count = quantization.calibrationSampleCount()
    guard count > 0 else { return nil }
    return try CalibrationSource(
      dataset: training, preprocessing: configuration.data.preprocessing, count: count, seed: configuration.seed,
      options: configuration.loadingOptions)
  }

  /// Checks that there is something to train from.
  /// - Throws: `CommandError` when the model is quantized already.
  func requireFloat() throws(CommandError) {
    if model.graph.isQuantized { throw CommandError(.input, "the model is quantized already. Train from the fp32 model") }
  }

  /// Says what the user should know before the work begins.
  func warn(_ session: Session) {
    configuration.warnings.forEach(session.warn)
    model.notes.forEach(session.warn)
  }
}
