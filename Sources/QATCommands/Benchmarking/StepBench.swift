import Foundation
import QAT

/// Whole training steps of one network on synthetic data.
struct StepBench {
  /// Steps before the clock counts: pages, caches and the processor's clock settle.
  private static let warmupSteps = 3
  private static let recordedSteps = 3

  private let session: Session
  private let state: ModelState
  private let plan: Plan
  /// The memory that the steps take on this rank, and its limit.
  let memory: MemoryReport
  private let normalization: RankNormalization?
  private let objective: CrossEntropy
  private let optimizer: SGD
  private let reducer: GradientReducer
  private let labels: [Int32]
  private let partition: BatchPartition
  /// Samples of a step over all processes.
  private let sampleCount: Int

  /// Compiles the network and fills one batch.
  /// - Throws: an error when the network cannot be quantized or run.
  /// - Parameters:
  ///   - network: what is timed.
  ///   - configuration: how it is quantized, and how a step's samples are dealt.
  ///   - quantizes: whether it is quantized.
  ///   - communicates: whether gradients are summed over ranks; otherwise each rank trains by itself, beside the others.
  ///   - session: the ranks.
  init(_ network: Graph, _ configuration: RunConfiguration, quantizes: Bool, communicates: Bool, _ session: Session) throws {
    self.session = session
    let communicator: any Communicator = communicates ? session.communicator : SingleProcess()
    partition = try session.together { try configuration.partition(communicator) }
    sampleCount = partition.globalBatchSize * (session.communicator.size / communicator.size)
    let batchSize = configuration.batchSize
    let dataset = try BenchDataset(for: network, count: max(batchSize, 1))
    objective = try CrossEntropy(of: network, target: dataset.target)
    var graph = network
    if quantizes, !network.isQuantized {
      graph = try Self.quantized(network, configuration.nncf, dataset, session)
    }
    state = try ModelState(graph)
    normalization = RankNormalization(configuration.batchNorm, communicator)
    let exchange = GradientExchange(configuration, graph: graph, state: state, rankCount: communicator.size)
    reducer = try GradientReducer(state, communicator: communicator, partition: partition, exchange: exchange)
    let share = exchange.shards?.share(ofRank: communicator.rank) ?? ParameterShare([0..<state.parameters.count])
    optimizer = SGD(of: share, momentum: 0.9, weightDecay: 1e-4)
    var memory = TrainingMemory(state, optimizer, reducer)
    plan = try session.together { [state, normalization] in
      try memory.compile(within: configuration.memoryLimit) {
        try Plan(
          graph, state: state, batchSize: batchSize, mode: .training, arithmetic: configuration.forward, group: normalization, memoryLimit: $0)
      }
    }
    self.memory = MemoryReport(memory: memory, limit: configuration.memoryLimit)
    var labels: [Int32] = []
    let sample = Sample(for: dataset)
    for index in 0..<batchSize {
      dataset.read(index, into: sample)
      for (number, input) in network.inputs.enumerated() {
        let values = sample.input(number)
        let memory = plan.input(input.name)
        _ = UnsafeMutableBufferPointer(rebasing: memory[(index * values.count)...].prefix(values.count)).update(fromContentsOf: values)
      }
      labels += sample.classes
    }
    self.labels = labels
  }

  /// Quantizes by eight samples: neither ranges nor bit widths change how long a step takes.
  private static func quantized(_ graph: Graph, _ configuration: NNCFConfig, _ dataset: any Dataset, _ session: Session) throws -> Graph {
    var configuration = configuration
    var quantization = configuration.quantization ?? QuantizationConfiguration()
    quantization.range = .everywhere(.init(.minMax))
    quantization.batchNormAdaptationSampleCount = 0
    quantization.precision = nil
    configuration.quantization = quantization
    let calibration = try CalibrationSource(dataset: dataset, preprocessing: Preprocessing(), count: 8, seed: 0)
    return try quantize(graph, configuration, calibration: calibration, session)?.graph ?? graph
  }

  /// Times steps.
  /// - Throws: the communicator's error.
  func run(steps: Int) throws -> BenchReport {
    var (seconds, exposed): ([Double], [Double]) = ([], [])
    seconds.reserveCapacity(steps)
    exposed.reserveCapacity(steps)
    for index in 0..<steps + Self.warmupSteps {
      try session.communicator.barrier()
      let start = DispatchTime.now().uptimeNanoseconds
      try step(UInt64(index))
      let duration = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      if index < Self.warmupSteps { continue }
      seconds.append(duration)
      exposed.append(reducer.exposedSeconds)
    }
    return try BenchReport(seconds: seconds, exposedSeconds: exposed, sampleCount: sampleCount, memory, session.communicator)
  }

  /// Notes what a few more steps do, which are not timed.
  /// - Throws: the communicator's error.
  func recorded() throws -> StepRecorder {
    let recorder = StepRecorder(steps: Self.recordedSteps)
    plan.recorder = recorder
    defer { plan.recorder = nil }
    for index in 0..<Self.recordedSteps {
      try recorder.beginStep(index + 1, barrier: session.communicator.barrier)
      try step(UInt64(index), recorder)
      try recorder.endStep()
    }
    return recorder
  }

  /// Which layers run on integers.
  var layers: LayerArithmeticReport { LayerArithmeticReport(layers: plan.layers) }

  private func step(_ number: UInt64, _ recorder: StepRecorder? = nil) throws {
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
