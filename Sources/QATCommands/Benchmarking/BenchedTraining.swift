import QAT

/// What a benchmark's training steps do besides the passes over the network: loss, sums over ranks, update.
struct BenchedTraining {
  private let state: ModelState
  private let normalization: RankNormalization?
  private let objective: CrossEntropy
  private let optimizer: SGD
  private let reducer: GradientReducer
  /// Of this rank's micro-batches only, for steps without communication; nil when there are none.
  private let ownReducer: GradientReducer?
  private let partition: BatchPartition

  /// Prepares the steps. All ranks do so together.
  /// - Throws: an error when there is nothing to train towards.
  init(
    _ graph: Graph, _ state: ModelState, _ configuration: RunConfiguration, target: SampleTarget, _ normalization: RankNormalization?,
    _ partition: BatchPartition, _ communicator: any Communicator, stepsAlone: Bool
  ) throws {
    (self.state, self.normalization, self.partition) = (state, normalization, partition)
    objective = try CrossEntropy(of: graph, target: target)
    let exchange = GradientExchange(configuration, graph: graph, state: state, rankCount: communicator.size)
    reducer = try GradientReducer(state, communicator: communicator, partition: partition, exchange: exchange)
    let share = exchange.shards?.share(ofRank: communicator.rank) ?? ParameterShare([0..<state.parameters.count])
    optimizer = SGD(of: share, momentum: 0.9, weightDecay: 1e-4)
    ownReducer =
      stepsAlone ? try GradientReducer(state, communicator: SingleProcess(), partition: try configuration.partition(SingleProcess())) : nil
  }

  /// The memory that steps take besides the plan's.
  var memory: TrainingMemory { TrainingMemory(state, optimizer, reducer) }

  /// Seconds that the last step has waited for other ranks and the network, with nothing left to compute.
  var exposedSeconds: Double { reducer.exposedSeconds }

  /// Makes a step towards the classes in `labels`.
  /// - Throws: the communicator's error.
  /// - Parameters:
  ///   - number: the step's, for random numbers.
  ///   - plan: the passes.
  ///   - labels: a class for each place of the output.
  ///   - isAlone: whether it sums nothing over ranks.
  ///   - recorder: notes what it does.
  func step(_ number: UInt64, _ plan: Plan, labels: [Int32], isAlone: Bool = false, _ recorder: StepRecorder?) throws {
    let reducer = (isAlone ? ownReducer : nil) ?? reducer
    let scale = 1 / Float(partition.globalBatchSize)
    repeat {
      recorder?.begin(phase: WorkPhase.forward.words)
      plan.forward(step: number)
      recorder?.begin(phase: "loss")
      _ = labels.withUnsafeBufferPointer { objective.evaluate(plan, targets: BatchTargets(.classes($0), count: plan.batchSize), scale: scale) }
      recorder?.begin(phase: WorkPhase.backward.words)
      plan.backward { reducer.advance(to: $0) }
      try normalization?.check()
      recorder?.begin(phase: WorkPhase.exchanging.words)
    } while try !reducer.finish()
    recorder?.begin(phase: WorkPhase.updating.words)
    state.updateStatistics()
    // A rate of nearly nothing: the same work, and numbers that stay finite however many steps are asked for.
    optimizer.step(state, rate: 1e-6)
    if reducer.gathersParameters { recorder?.begin(phase: "gathering of parameters") }
    try reducer.gatherParameters()
  }
}
