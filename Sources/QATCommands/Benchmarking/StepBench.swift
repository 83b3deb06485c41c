import Foundation
import QAT

/// Whole steps of one network on synthetic data: of training, or of evaluation.
struct StepBench {
  /// What a step is.
  enum Work {
    /// Forward pass, loss, backward pass, sum over ranks, update.
    case training
    /// The same, and after each such step one in which each rank trains by itself, beside the others: both meet the same machine, whatever else it does.
    case trainingBesideAlone
    /// A forward pass as evaluation makes it; ranks work beside each other.
    case evaluation
  }

  /// Steps before the clock counts: pages, caches and the processor's clock settle.
  private static let warmupSteps = 3
  private static let recordedSteps = 3

  private let session: Session
  private let plan: Plan
  /// The memory that the steps take on this rank, and its limit; nil in evaluation.
  private let memory: MemoryReport?
  /// nil in evaluation.
  private let training: BenchedTraining?
  private let work: Work
  private let labels: [Int32]
  /// Samples of a step over all processes.
  private let sampleCount: Int

  /// Compiles the network and fills one batch.
  /// - Throws: an error when the network cannot be quantized or run.
  /// - Parameters:
  ///   - network: what is timed.
  ///   - configuration: how it is quantized, and how a step's samples are dealt.
  ///   - quantizes: whether it is quantized.
  ///   - work: what a step is.
  ///   - session: the ranks.
  init(_ network: Graph, _ configuration: RunConfiguration, quantizes: Bool, work: Work, _ session: Session) throws {
    (self.session, self.work) = (session, work)
    let communicator = session.communicator
    let batchSize = configuration.batchSize
    let dataset = try BenchDataset(for: network, count: max(batchSize, 1))
    var graph = network
    if quantizes, !network.isQuantized {
      graph = try Self.quantized(network, configuration.nncf, dataset, session)
    }
    let state = try ModelState(graph)
    if work == .evaluation {
      plan = try Plan(graph, state: state, batchSize: batchSize, mode: .evaluation, arithmetic: configuration.forward)
      (training, memory) = (nil, nil)
      sampleCount = batchSize * communicator.size
    } else {
      let partition = try session.together { try configuration.partition(communicator) }
      let normalization = RankNormalization(configuration.batchNorm, communicator)
      let training = try BenchedTraining(
        graph, state, configuration, target: dataset.target, normalization, partition, communicator, stepsAlone: work == .trainingBesideAlone)
      var memory = training.memory
      plan = try session.together {
        try memory.compile(within: configuration.memoryLimit) {
          try Plan(
            graph, state: state, batchSize: batchSize, mode: .training, arithmetic: configuration.forward, group: normalization, memoryLimit: $0)
        }
      }
      self.training = training
      self.memory = MemoryReport(memory: memory, limit: configuration.memoryLimit)
      sampleCount = partition.globalBatchSize
    }
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
    var measured = BenchReport.Measurements()
    measured.steps.reserveCapacity(steps)
    measured.exposed.reserveCapacity(steps)
    measured.stepsAlone.reserveCapacity(steps)
    measured.startup = ProcessFacts.age
    var settledMemory: Int?
    for index in 0..<steps + Self.warmupSteps {
      if index == Self.warmupSteps { settledMemory = ProcessFacts.residentMemory }
      let duration = try timed(index)
      let durationAlone = work == .trainingBesideAlone ? try timed(index, isAlone: true) : nil
      if index < Self.warmupSteps { continue }
      measured.steps.append(duration)
      measured.exposed.append(training?.exposedSeconds ?? 0)
      if let durationAlone { measured.stepsAlone.append(durationAlone) }
    }
    if let settledMemory { measured.memoryGrowth = ProcessFacts.residentMemory.map { $0 - settledMemory } }
    return try BenchReport(measured, sampleCount: sampleCount, memory: memory, session.communicator)
  }

  /// Seconds of a step, which all ranks begin together.
  private func timed(_ number: Int, isAlone: Bool = false) throws -> Double {
    try session.communicator.barrier()
    let start = DispatchTime.now().uptimeNanoseconds
    try step(UInt64(number), isAlone: isAlone)
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
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

  private func step(_ number: UInt64, isAlone: Bool = false, _ recorder: StepRecorder? = nil) throws {
    if let training { return try training.step(number, plan, labels: labels, isAlone: isAlone, recorder) }
    recorder?.begin(phase: WorkPhase.forward.words)
    plan.forward(step: number)
  }
}
