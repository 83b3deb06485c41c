import QATCommunication
import QATData
import QATGraph
import QATONNX
import QATQuantization
import QATTraining

extension Model {
  /// Trains the model: Keras's `fit`. All ranks call it together.
  ///
  /// The optimizer starts at rest, at a rate that falls along half a cosine unless its schedule says otherwise. What the compression asks for takes part: stages, frozen
  /// statistics and ranges, knowledge distillation, and the end as soon as the model is accurate enough.
  /// - Parameters:
  ///   - data: samples to learn from.
  ///   - validation: samples to evaluate after each epoch, prepared as `data` without mirroring and moving; nil for no evaluation.
  ///   - epochs: passes over the data. A run that goes on counts those before.
  ///   - optimizer: how parameters move.
  ///   - callbacks: who watches and steers the run. With a `CheckpointManagerCallback` it writes checkpoints.
  ///   - resume: whether the run goes on from the newest checkpoint of that folder, where there is one.
  ///   - showsProgress: whether rank 0 shows progress on stderr.
  ///   - adjust: changes what else a run's configuration says.
  /// - Returns: how the run ended.
  /// - Throws: `TrainingError` when several ranks have not agreed on the quantizers, when callbacks or a checkpoint do not go with the run, or when training diverges; what
  ///   data and files throw.
  @discardableResult
  public func fit(
    _ data: DataLoader, validation: (any Dataset)? = nil, epochs: Int, optimizer: OptimizerConfiguration = OptimizerConfiguration(),
    callbacks: [any TrainingCallback] = [], resume: Bool = false, showsProgress: Bool = true, adjust: (inout RunConfiguration) -> Void = { _ in }
  ) throws -> TrainingResult {
    let communicator = try currentCommunicator()
    let managers = callbacks.compactMap { $0 as? CheckpointManagerCallback }
    guard managers.count < 2 else { throw TrainingError(.input, "a run has one checkpoint folder, \(managers.count) callbacks manage one") }
    if resume, managers.isEmpty {
      throw TrainingError(.input, "a run goes on from the folder of a CheckpointManagerCallback: add one to the callbacks, or leave resume out")
    }
    var configuration = runConfiguration(data, epochs: epochs, optimizer)
    if let manager = managers.first, case .steps(let steps) = manager.frequency { configuration.checkpoint.every = steps }
    adjust(&configuration)
    try configuration.validate()

    let run = try OpenedRun(
      of: source, configuration, training: data.dataset, validation: validation, in: managers.first?.directory,
      resume: resume ? (choice: CheckpointDirectory.Choice.auto, allowed: []) : nil, communicator)
    defer { withExtendedLifetime(run) {} }
    try communicator.together { try requireSameQuantizers(run.loaded) }
    try run.note { try ModelFormat.onnx.write(ModelFormat.Network(source), to: $0) }

    var task = run.task(graph: graph, state: state, controller: controller)
    task.callbacks = callbacks
    task.objects = managers.first.map { manager in { try CheckpointObjects(manager.objects()) } }
    if let budget = config.accuracyAwareTraining, let validation {
      let uncompressed = try QATTraining.evaluate(
        source, dataset: validation, preprocessing: data.preprocessing, batchSize: data.batchSize, communicator: communicator)
      task.goal = AccuracyGoal(budget, uncompressed: uncompressed.top1)
    }
    let trainer = try Trainer(task, communicator: communicator, resuming: run.loaded?.checkpoint, showsProgress: showsProgress)
    let result = try trainer.run()
    if task.goal != nil, result.stop == nil { _ = try trainer.restoreBest() }
    return result
  }

  private func runConfiguration(_ data: DataLoader, epochs: Int, _ optimizer: OptimizerConfiguration) -> RunConfiguration {
    var configuration = RunConfiguration()
    configuration.batchSize = data.batchSize
    configuration.seed = data.seed
    configuration.epochs = epochs
    configuration.optimizer = optimizer
    configuration.data.set(data.preprocessing)
    configuration.nncf = config
    configuration.loss = criterion
    return configuration
  }

  /// A checkpoint of other quantizers cannot be gone on from.
  private func requireSameQuantizers(_ loaded: CheckpointDirectory.Loaded?) throws(TrainingError) {
    guard let loaded else { return }
    guard loaded.checkpoint.compressionState?.setup.fingerprint == controller?.setup.fingerprint else {
      throw TrainingError(
        .mismatch,
        "the checkpoint \(loaded.path) has other quantizers than the model: make the model with createCompressedModel(model, config, compressionState:) and the "
          + "checkpoint's compressionState, or begin a new folder")
    }
  }
}
