import QATCommunication
import QATData
import QATEngine
import QATGraph

/// One step of training on this rank: read, forward, loss, backward with the sum over ranks, update. Everything it needs is made before the first step.
final class TrainingStep {
  /// What a step has come to; the same on every rank.
  struct Outcome {
    /// Sums over all ranks, and what ranks were asked.
    var trailer: StepTrailer
    /// The epoch that the step belongs to.
    var epoch: Int
    /// Where the next batch begins.
    var next: DataPosition
    /// The learning rate that the step used.
    var rate: Double
    /// Mean loss over all samples of the step.
    var loss: Double { Double(trailer[.loss]) / max(Double(trailer[.count]), 1) }
    /// The knowledge distillation's part of the mean loss; nil without one.
    var distillation: Double? { distils ? Double(trailer[.distillation]) / max(Double(trailer[.count]), 1) : nil }
    /// Fraction of the step's positions whose class scored highest: one a sample, pixel or token; nil when there are no classes.
    var top1: Double? { trailer[.positions] > 0 ? Double(trailer[.correctTop1]) / Double(trailer[.positions]) : nil }
    fileprivate var distils: Bool
  }

  let batchesPerEpoch: Int
  private let partition: BatchPartition
  private let communicator: any Communicator
  private let state: ModelState
  private let optimizer: any Optimizer
  private let schedule: LearningRateSchedule
  private let configuration: RunConfiguration
  /// The network of the current phase, compiled; nil before the first.
  private(set) var plan: Plan?
  private var movesStatistics = true
  private let callbacks: CallbackList
  private let normalization: RankNormalization?
  private let binding: InputBinding
  /// The task's loss; nil when targets are not looked at.
  private let objective: (any OutputLoss)?
  private let distillation: Distillation?
  private let clipping: (limit: Double, gradient: GradientClipping)?
  private let average: WeightAverage?
  private let reducer: GradientReducer
  private let loader: BatchLoader
  /// The corrupt samples of the training data that were skipped, and how many of them the user has been told of.
  private let unreadable: UnreadableSamples
  private var toldCount = 0
  private let numbers: NumericalGuard
  /// The memory that the steps take on this rank.
  private(set) var memory: TrainingMemory
  private let recorder: StepRecorder?

  /// Starts reading at `position`. All ranks do so together. Before the first step, `compile` says of which network the steps are.
  init(
    _ task: Trainer.Task, partition: BatchPartition, exchange: GradientExchange, optimizer: any Optimizer, startingAt position: DataPosition,
    communicator: any Communicator, numbers: NumericalGuard, average: WeightAverage?, callbacks: CallbackList
  ) throws {
    self.callbacks = callbacks
    self.average = average
    clipping = task.configuration.optimizer.maxGradientNorm.map { ($0, GradientClipping(of: task.state, exchange.shards, communicator)) }
    let configuration = task.configuration
    binding = try InputBinding(task.graph, task.training, configuration.data.preprocessing)
    self.configuration = configuration
    self.partition = partition
    self.communicator = communicator
    self.numbers = numbers
    recorder = task.recorder
    self.optimizer = optimizer
    state = task.state
    objective =
      configuration.loss.readsTargets ? try configuration.makeLoss(of: task.graph, target: task.training.target, smooths: true) : nil
    let output = try task.graph.lossOutput(configuration.loss.output).name
    normalization = RankNormalization(configuration.batchNorm, communicator)
    distillation = try configuration.nncf.distillation.map { method in
      guard let teacher = task.teacher else {
        throw TrainingError(.input, "the configuration asks for knowledge distillation, but the task has no teacher")
      }
      return try Distillation(method, teacher: teacher, output: output, configuration, communicator)
    }
    reducer = try GradientReducer(task.state, communicator: communicator, partition: partition, exchange: exchange)
    var options = configuration.loadingOptions.checking(objective?.classRule)
    unreadable = options.unreadable
    options.mixing = configuration.mixing
    loader = try BatchLoader(
      dataset: task.training, preprocessing: configuration.data.preprocessing, seed: configuration.seed, partition: partition,
      startEpoch: position.epoch, startPosition: position.position, options: options)
    memory = TrainingMemory(
      state, optimizer, reducer, averages: average?.byteCount ?? 0, samples: loader.byteCount, teacher: distillation?.byteCount ?? 0)
    batchesPerEpoch = loader.batchesPerEpoch
    schedule = configuration.optimizer.makeSchedule(epochs: configuration.epochs, stepsPerEpoch: loader.batchesPerEpoch)
  }

  /// Compiles the network of the steps to come; the plan before goes first, so that there is one at a time.
  /// - Parameters:
  ///   - network: the network of the task in some phase.
  ///   - movesStatistics: whether steps move the running statistics.
  /// - Throws: `TrainingError` when the steps do not fit into the memory that they may take; what the engine throws.
  func compile(_ network: Graph, movesStatistics: Bool) throws {
    plan = nil
    self.movesStatistics = movesStatistics
    // Ranks differ a little in what is left for the plan, and so in whether it suffices.
    plan = try communicator.together {
      try WorkPhase.compiling.run {
        try memory.compile(within: configuration.memoryLimit) {
          try Plan(
            network, state: state, batchSize: configuration.batchSize, mode: .training, arithmetic: configuration.forward, group: normalization,
            memoryLimit: $0)
        }
      }
    }
    plan?.seed = configuration.seed
    plan?.recorder = recorder
  }

  /// Tells the user, on whichever rank, of corrupt samples that were met since the last time.
  private func tellOfUnreadable() {
    let errors = unreadable.count > toldCount ? unreadable.errors : []
    guard errors.count > toldCount, let last = errors.last else { return }
    toldCount = errors.count
    writeToStandardError(
      "qat: warning: rank \(communicator.rank) has skipped \(toldCount) corrupt samples of at most \(unreadable.limit), among them \(last)\n")
  }

  /// Memory that the teacher of a knowledge distillation takes; nil without one.
  var teacherByteCount: Int? { distillation?.byteCount }

  /// Seconds that the last step has waited for other ranks and the network, with nothing left to compute.
  var exposedSeconds: Double { reducer.exposedSeconds }

  /// How far the schedule is at a place in the data: the number of steps up to there, all of this run's size.
  func scheduleStep(at place: DataPosition) -> Int { place.epoch * batchesPerEpoch + place.position / partition.globalBatchSize }

  /// Runs step number `step`, counted from 0. A step whose loss or gradients are not finite changes nothing.
  /// - Parameters:
  ///   - step: its number.
  ///   - writerHasFailed: whether this rank has a checkpoint that could not be written, which the others are to know.
  /// - Returns: what it has come to.
  /// - Throws: `TrainingError` (numerical) when too many steps in a row were not finite; then the parameters are those before them.
  func run(_ step: Int, writerHasFailed: Bool) throws -> Outcome {
    guard let plan else { preconditionFailure("a step before its network was compiled") }
    WorkPhase.beginStep(step + 1)
    try recorder?.beginStep(step + 1, barrier: communicator.barrier)
    var batch: LoadedBatch
    repeat {
      begin(.reading)
      batch = try loader.next()
      recorder?.note(
        reading: "samples from \(batch.firstSample) of epoch \(batch.epoch + 1)", memory: batch.reading.memory, from: batch.reading.start,
        to: batch.reading.end)
      if unreadable.limit > 0 { tellOfUnreadable() }
      begin(.forward)
      binding.feed(batch, to: plan)
      plan.forward(step: UInt64(step), firstSample: batch.firstSample)
      recorder?.begin(phase: "loss")
      let scale = 1 / Float(partition.globalBatchSize)
      var sums = objective?.evaluate(plan, targets: batch.targets, scale: scale) ?? LossSums(positions: 0, count: batch.count)
      let distilled = try distillation?.evaluate(
        plan, batch, binding, step: step, firstSample: batch.firstSample, scale: scale, adds: objective != nil)
      sums.loss += distilled ?? 0
      begin(.backward)
      numbers.watch(sums, of: batch, plan: plan)
      plan.backward { completed in
        numbers.watch(gradientsUpTo: completed, of: batch)
        reducer.advance(to: completed)
      }
      try normalization?.check()
      numbers.watchStatistics(of: batch)
      StepTrailer(
        sums, distillation: distilled ?? 0, isFinite: numbers.isClean, largestMagnitude: numbers.largestMagnitude, stop: .pending,
        writerHasFailed: writerHasFailed
      ).write(to: state.trailer)
      begin(.exchanging)
    } while try !reducer.finish()
    begin(.updating)
    let outcome = Outcome(
      trailer: StepTrailer(reading: state.trailer), epoch: batch.epoch, next: batch.next,
      rate: callbacks.learningRate(
        schedule.rate(at: scheduleStep(at: DataPosition(epoch: batch.epoch, position: batch.position))), inEpoch: batch.epoch),
      distils: distillation != nil)
    if try numbers.accepts(outcome, communicator) {
      if movesStatistics { state.updateStatistics() }
      if let clipping { try clipping.gradient.apply(limit: clipping.limit) }
      optimizer.step(state, rate: outcome.rate)
      if reducer.gathersParameters { recorder?.begin(phase: "gathering of parameters") }
      try reducer.gatherParameters()
      average?.update(after: optimizer.stepCount)
    } else {
      try numbers.skip(step, rate: outcome.rate, communicator)
    }
    try recorder?.endStep()
    return outcome
  }

  private func begin(_ phase: WorkPhase) {
    phase.begin()
    recorder?.begin(phase: phase.words)
  }
}
