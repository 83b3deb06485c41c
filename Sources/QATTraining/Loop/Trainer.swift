import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization

/// Trains a network data-parallel: every rank runs its part of each batch, gradients are summed over ranks, every rank makes the same update.
///
/// A step allocates nothing. All ranks take every decision from what they exchanged, so they stay in step.
public final class Trainer {
  /// What is trained, how, and on what.
  public struct Task {
    /// The network, quantized or not.
    public var graph: Graph
    /// Its parameters.
    public var state: ModelState
    /// Samples to learn from.
    public var training: any Dataset
    /// Samples to evaluate after each epoch; nil for no evaluation.
    public var validation: (any Dataset)?
    /// How to train. `batchSize` is a rank's.
    public var configuration: RunConfiguration
    /// The quantizers' controller; nil for an fp32 network.
    public var controller: CompressionController?
    /// The fp32 network before it was quantized, from which a knowledge distillation learns; nil without one.
    public var teacher: Graph?
    /// When the run may end early; nil for when its epochs are over.
    public var goal: AccuracyGoal?
    /// Where checkpoints and metrics go; nil for nowhere. Rank 0 has prepared it.
    public var directory: CheckpointDirectory?
    /// What the checkpoints say they are of.
    public var identity: RunIdentity
    /// In what the run may differ from the checkpoint it goes on from.
    public var allowed: Set<AllowedChange> = []
    /// Who watches the run, besides the progress shown and `metrics.jsonl`. The same kinds on every rank.
    public var callbacks: [any TrainingCallback] = []
    /// Notes what some steps do, and when; nil for nobody. The same on every rank: what takes the notes may call collectives.
    public var recorder: StepRecorder?
    /// What the user wants to find in checkpoints, asked for on rank 0 whenever one is begun; nil for nothing.
    public var objects: (() throws -> CheckpointObjects)?

    /// A task.
    public init(
      graph: Graph, state: ModelState, training: any Dataset, validation: (any Dataset)?, configuration: RunConfiguration,
      controller: CompressionController? = nil, directory: CheckpointDirectory? = nil, identity: RunIdentity
    ) {
      self.graph = graph
      self.state = state
      self.training = training
      self.validation = validation
      self.configuration = configuration
      self.controller = controller
      self.directory = directory
      self.identity = identity
    }
  }

  /// What is trained, how, and on what.
  public let task: Task
  /// The ranks.
  public let communicator: any Communicator
  let optimizer: any Optimizer
  /// What checkpoints hold of the optimizer.
  let memories: GatheredMemories
  /// Samples of a step over all ranks.
  public let globalBatchSize: Int
  let numbers: NumericalGuard
  let stepper: TrainingStep
  /// The moving average of the weights, which is evaluated and exported; nil when there is none.
  let average: WeightAverage?
  /// Evaluates the network of the current phase; nil without samples to evaluate.
  var evaluator: Evaluator?
  /// What of the network takes part in the current steps.
  var phase: NetworkPhase?
  /// The number of the run's last step.
  public let totalSteps: Int
  let callbacks: CallbackList
  /// On rank 0, when there is a folder to write to.
  let writer: CheckpointWriter?
  /// Steps done since the run's beginning.
  public private(set) var step: Int
  /// Where the next batch begins.
  public private(set) var position: DataPosition
  /// The best evaluation so far.
  public internal(set) var best: TrainingState.Best?
  /// Accuracy before the first step, where there is a goal that it may have reached.
  var initialTop1: Double?
  /// The evaluation after each whole epoch of the run, those before a resume included.
  public internal(set) var history: [TrainingState.EpochResult]
  /// Time in steps, without evaluation and checkpoints.
  private var trainingSeconds = 0.0
  /// The part of it in which there was nothing left to do but wait for other ranks and the network.
  private var exposedSeconds = 0.0
  var checkpoints = TrainingResult.CheckpointCost()

  /// Prepares a run: checks that all ranks train the same, gives every rank the parameters of rank 0, compiles the plans, starts reading.
  /// - Parameters:
  ///   - task: what is trained.
  ///   - communicator: the ranks, who all call this together; those of `withCommunicator` when nil.
  ///   - checkpoint: where to go on; nil for the beginning. The same on every rank.
  ///   - showsProgress: whether rank 0 shows progress on stderr.
  /// - Throws: `TrainingError`, `CommunicationError` when ranks differ, `DataError`, and what the engine throws.
  public init(_ task: Task, communicator: (any Communicator)? = nil, resuming checkpoint: Checkpoint? = nil, showsProgress: Bool = true) throws {
    let communicator = try communicator ?? currentCommunicator()
    self.task = task
    self.communicator = communicator
    try communicator.requireDistributed(task.controller)
    let configuration = task.configuration
    try requireFit(
      task.graph, task.training, configuration.data.preprocessing,
      loss: configuration.loss.readsTargets ? configuration.makeLoss(of: task.graph, target: task.training.target, smooths: true) : nil)
    let partition = try communicator.together { try configuration.partition(communicator) }
    globalBatchSize = partition.globalBatchSize
    let exchange = GradientExchange(configuration, graph: task.graph, state: task.state, rankCount: communicator.size)
    let parameterCount = task.state.parameters.count
    optimizer = configuration.optimizer.makeOptimizer(of: exchange.shards?.share(ofRank: communicator.rank) ?? ParameterShare([0..<parameterCount]))
    memories = GatheredMemories(of: optimizer, exchange.shards, parameterCount: parameterCount, communicator)
    step = checkpoint?.state.step ?? 0
    position = DataPosition(epoch: checkpoint?.state.epoch ?? 0, position: checkpoint?.state.position ?? 0)
    // Accuracies on other samples do not compare.
    best = checkpoint.flatMap { $0.state.identity.validation == task.identity.validation ? $0.state.best : nil }
    history = checkpoint?.state.history ?? []
    if let checkpoint {
      let expected = checkpoint.state.globalBatchSize
      guard expected == globalBatchSize || task.allowed.contains(.batchSize) else {
        throw TrainingError(
          .mismatch,
          "the checkpoint was trained with \(expected) samples a step, this run has \(globalBatchSize) (\(partition.words)). "
            + "\(partition.remedy(forStepsOf: expected)), or --allow batch_size to change the steps on purpose")
      }
      guard checkpoint.state.position <= task.training.count else {
        throw TrainingError(
          .mismatch, "the checkpoint stands at sample \(checkpoint.state.position) of an epoch, the training data has \(task.training.count)")
      }
      try task.state.restore(checkpoint.model)
      try optimizer.load(checkpoint.optimizer, slots: task.state.parameterSlots)
      optimizer.stepCount = checkpoint.state.optimizerStep
      if let compression = checkpoint.state.compression { task.controller?.scheduler.state = compression.scheduler }
    }
    let decay = configuration.optimizer.averageDecay
    if checkpoint == nil || decay == nil { try task.state.synchronize(communicator) }
    let average = decay.map { WeightAverage(of: task.state, decay: $0) }
    self.average = average
    if let checkpoint, let average {
      try average.resume(from: checkpoint.optimizer)
      try task.state.synchronize(communicator)
    }
    let progress = communicator.isRoot && showsProgress ? ProgressLine() : nil
    let log = try communicator.together { [step] in
      communicator.isRoot ? try task.directory.map { try MetricsLog(path: $0.metricsPath, resumingAfter: step) } : nil
    }
    let own: [(any TrainingCallback)?] = [log, progress]
    let callbacks = CallbackList(own.compactMap { $0 } + task.callbacks, communicator)
    self.callbacks = callbacks
    numbers = NumericalGuard(task, skipped: checkpoint?.state.skipped ?? .init()) { callbacks.warned($0) }
    stepper = try TrainingStep(
      task, partition: partition, exchange: exchange, optimizer: optimizer, startingAt: position, communicator: communicator, numbers: numbers,
      average: average, callbacks: callbacks)
    // Counted from where the run stands: the batch size may have changed on the way.
    let stepsLeft = max(0, configuration.epochs * stepper.batchesPerEpoch - stepper.scheduleStep(at: position))
    totalSteps = min(step + stepsLeft, configuration.maxSteps ?? Int.max)
    task.recorder?.fit(stepsLeft: totalSteps - step)
    writer = try communicator.together { [memories] in
      guard communicator.isRoot, let directory = task.directory else { return nil }
      let snapshot = try CheckpointSnapshot(state: task.state, average: average, memories: memories.memories)
      try directory.requireRoom(forCheckpointsOf: snapshot.byteCount, epochs: configuration.epochs) { callbacks.warned($0) }
      return CheckpointWriter(directory, snapshot: snapshot)
    }
    // At an epoch's beginning the run stands behind the one before: there may be an evaluation to make up for.
    try enter(position.position == 0 ? position.epoch - 1 : position.epoch)
  }

  /// Memory that the teacher of a knowledge distillation takes on each rank; nil without one.
  public var teacherByteCount: Int? { stepper.teacherByteCount }

  /// The memory that the steps of the current phase take on this rank.
  public var memory: TrainingMemory { stepper.memory }

  /// Trains to the end, or until a signal asks to stop; evaluates and saves after each epoch, and saves at the end and before stopping.
  /// - Throws: `TrainingError` (numerical) when too many steps in a row are not finite; what the data, the communicator or the file system throw.
  public func run() throws -> TrainingResult {
    let start = ProgressLine.now
    (trainingSeconds, exposedSeconds) = (0, 0)
    // Whatever ends the run, a checkpoint that is on its way comes to its end.
    defer { writer?.wait() }
    let firstStep = step
    var result = TrainingResult(steps: step, evaluation: nil, best: best, stop: nil, seconds: 0, imagesPerSecond: 0, checkpoint: nil)
    try callbacks.trainingBegan(self)
    // The run was stopped in the evaluation at an epoch's end.
    if step > 0, position.position == 0, evaluator != nil, history.last?.step != step {
      try evaluateEpoch(position.epoch - 1, isWhole: true, &result)
      if result.stop == nil {
        try callbacks.epochEnded(EpochReport(epoch: position.epoch - 1, step: step, evaluation: result.evaluation), self)
        result.checkpoint = try save(waits: step == totalSteps)
      }
    }
    if step == 0, task.goal != nil { try evaluateBeforeFirstStep(&result) }
    if result.stop == nil { result.endedEarly = try callbacks.wantToStop(self) }
    while step < totalSteps, result.stop == nil, !isAtGoal, !result.endedEarly {
      if position.position == 0 { try beginEpoch(position.epoch) }
      let outcome = try trainOneBatch()
      // Whoever asks in the last step gets what the run would give anyway, unless evaluating takes long.
      result.stop = step < totalSteps ? outcome.trailer.stop : nil
      let epochEnded = outcome.next.epoch != position.epoch
      position = outcome.next
      if result.stop == nil, epochEnded || step == totalSteps { try evaluateEpoch(outcome.epoch, isWhole: epochEnded, &result) }
      if result.stop == nil, epochEnded {
        let evaluation = history.last.flatMap { $0.step == step ? $0.evaluation : nil }
        try callbacks.epochEnded(EpochReport(epoch: outcome.epoch, step: step, evaluation: evaluation), self)
        result.endedEarly = try callbacks.wantToStop(self)
      }
      let interval = task.configuration.checkpoint.every
      let isDue = interval > 0 && step % interval == 0
      let isLast = step == totalSteps || result.stop != nil || isAtGoal || result.endedEarly
      if epochEnded || isDue || isLast { result.checkpoint = try save(waits: isLast) }
    }
    // Whoever asks for the result of a run without steps finds it where all results are.
    if step == 0, isAtGoal { result.checkpoint = try save(waits: true) }
    result.steps = step
    result.skippedSteps = numbers.skipped.total
    result.best = best
    result.checkpoints = checkpoints
    result.seconds = ProgressLine.now - start
    (result.stepSeconds, result.exposedCommunicationSeconds) = (trainingSeconds, exposedSeconds)
    result.imagesPerSecond = trainingSeconds > 0 ? Double((step - firstStep) * globalBatchSize) / trainingSeconds : 0
    try task.recorder?.finish()
    try callbacks.trainingEnded(result, self)
    return result
  }

  /// One step, of which the callbacks are told.
  private func trainOneBatch() throws -> TrainingStep.Outcome {
    let began = ProgressLine.now
    task.controller?.scheduler.step(step)
    let outcome = try stepper.run(step, writerHasFailed: writer?.hasFailed ?? false)
    step += 1
    if outcome.trailer[.failedWriters] > 0 { try heedFailedCheckpoint() }
    let seconds = ProgressLine.now - began
    trainingSeconds += seconds
    exposedSeconds += stepper.exposedSeconds
    let speed = Double(globalBatchSize) / max(seconds, 1e-9)
    let report = StepReport(
      step: step, epoch: outcome.epoch, loss: outcome.loss, distillation: outcome.distillation, rate: outcome.rate, top1: outcome.top1,
      imagesPerSecond: speed, seconds: seconds, exposedSeconds: stepper.exposedSeconds)
    callbacks.stepEnded(report, self)
    tellOfCheckpoints()
    let interval = task.configuration.divergenceCheckEvery
    if interval > 0, step % interval == 0 { try task.state.verifyAgreement(communicator) }
    return outcome
  }
}
