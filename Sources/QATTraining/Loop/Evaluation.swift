import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATLowering

/// How well a network does on a data set.
public struct Evaluation: Sendable, Hashable {
  /// Fraction of samples whose class scores highest.
  public var top1: Double
  /// Fraction of samples whose class is among the five highest scores.
  public var top5: Double
  /// Mean loss.
  public var loss: Double
  /// Number of samples.
  public var count: Int
  /// The metrics that were asked for besides, by their names in the configuration.
  public var measured: [String: Double]
  /// Positions that have a class, where these are not the samples: pixels or tokens; 0 where there are no classes.
  public var positions: Int?

  /// An evaluation.
  public init(top1: Double, top5: Double, loss: Double, count: Int, measured: [String: Double] = [:], positions: Int? = nil) {
    self.top1 = top1
    self.top5 = top5
    self.loss = loss
    self.count = count
    self.measured = measured
    self.positions = positions == count ? nil : positions
  }

  /// How good the network is, more being better: by this metric, errors negated, or without one by the loss, negated, where there are no classes.
  /// - Parameter metric: the first of the configuration's metrics.
  /// - Returns: the score; nil where top-1 decides.
  func score(_ metric: Metric?) -> Double? {
    var score: Double?
    if let metric, metric != .top1, let value = metric == .top5 ? top5 : measured[metric.rawValue] {
      score = metric.isError ? -value : value
    } else if positions == 0, metric != .top1 {
      score = -loss
    }
    // What is not a number is never the best.
    return score.map { $0.isFinite ? $0 : -.greatestFiniteMagnitude }
  }

  /// Names and values for people: accuracies where there are classes, the metrics, the loss.
  public var figures: [(title: String, value: Double, isFraction: Bool)] {
    var figures: [(title: String, value: Double, isFraction: Bool)] = positions == 0 ? [] : [("top-1", top1, true), ("top-5", top5, true)]
    for metric in Metric.allCases {
      if let value = measured[metric.rawValue] { figures.append((metric.title, value, !metric.isError)) }
    }
    return figures + [("loss", loss, false)]
  }
}

/// Evaluates a network on a data set, again and again: it is compiled once.
///
/// Whole batches are dealt to the ranks, without padding, and their sums are added in the order of the batches: every rank gets the same bytes, for every
/// number of ranks.
public final class Evaluator {
  private let scorer: any Scorer
  private let loss: any OutputLoss
  private let dataset: any Dataset
  private let preprocessing: Preprocessing
  private let options: LoadingOptions
  private let metrics: [Metric]
  /// The network before it was compressed, where agreement with it is asked for.
  private let reference: (any Scorer)?
  private let communicator: any Communicator
  private let share: Range<Int>
  /// Batches of the rank with the largest share.
  private let rounds: Int

  /// An evaluator of the network with its current parameters.
  /// - Parameters:
  ///   - graph: the network.
  ///   - state: its parameters and statistics.
  ///   - dataset: samples with targets.
  ///   - preprocessing: applied without random changes.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - arithmetic: in which arithmetic quantized layers run.
  ///   - communicator: the ranks.
  ///   - range: the samples to evaluate; all when nil.
  ///   - loss: how outputs are judged; by the cross-entropy of classes when nil.
  ///   - options: how samples are read.
  ///   - metrics: what is measured besides top-1, top-5 and the loss.
  ///   - reference: the network before it was compressed, for `agreement`; without it that is not measured.
  ///   - plan: one that is at rest during evaluations, whose memory for activations they use; nil for memory of their own.
  /// - Throws: `TrainingError` or `DataError` when samples and network do not go together; what the engine throws.
  public convenience init(
    _ graph: Graph, state: ModelState, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int,
    arithmetic: ForwardArithmetic = .integer, communicator: any Communicator, range: Range<Int>? = nil, loss: (any OutputLoss)? = nil,
    options: LoadingOptions = .init(), metrics: [Metric] = [], reference: Graph? = nil, sharingMemoryOf plan: Plan? = nil
  ) throws {
    try self.init(
      graph, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize, communicator: communicator, range: range, loss: loss,
      options: options, metrics: metrics, reference: reference, plan: plan
    ) {
      try PlanScorer(graph, state: state, arithmetic: arithmetic, binding: $0, output: $1, batchSize: $2, sharing: plan)
    }
  }

  /// An evaluator of a lowered network in the arithmetic of a runtime.
  /// - Parameters:
  ///   - lowered: the network.
  ///   - runtime: whose arithmetic.
  ///   - dataset: samples with targets.
  ///   - preprocessing: applied without random changes.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - communicator: the ranks.
  ///   - loss: how outputs are judged; by the cross-entropy of classes when nil.
  ///   - options: how samples are read.
  ///   - metrics: what is measured besides top-1, top-5 and the loss.
  ///   - reference: the network before it was compressed, for `agreement`; without it that is not measured.
  /// - Throws: `TrainingError` or `DataError` when samples and network do not go together; `GraphError` when it cannot run.
  public convenience init(
    _ lowered: LoweredGraph, in runtime: Runtime, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int,
    communicator: any Communicator, loss: (any OutputLoss)? = nil, options: LoadingOptions = .init(), metrics: [Metric] = [], reference: Graph? = nil
  ) throws {
    let graph = lowered.simulation
    try self.init(
      graph, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize, communicator: communicator, range: nil, loss: loss,
      options: options, metrics: metrics, reference: reference, plan: nil
    ) {
      try DeployedScorer(lowered, in: runtime, binding: $0, output: $1, batchSize: $2)
    }
  }

  private init(
    _ graph: Graph, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int, communicator: any Communicator, range: Range<Int>?,
    loss: (any OutputLoss)?, options: LoadingOptions, metrics: [Metric], reference: Graph?, plan: Plan?,
    scorer: (_ binding: InputBinding, _ output: TensorName, _ batchSize: Int) throws -> any Scorer
  ) throws {
    let loss = try loss ?? CrossEntropy(of: graph, target: dataset.target)
    let binding = try InputBinding(graph, dataset, preprocessing)
    try loss.requireTargets(of: dataset)
    let range = range ?? 0..<dataset.count
    let batchSize = max(1, min(batchSize, range.count))
    let own = EvaluationLoader.share(of: range.count, batchSize: batchSize, rank: communicator.rank, size: communicator.size)
    share = range.lowerBound + own.lowerBound..<range.lowerBound + own.upperBound
    self.loss = loss
    self.metrics = metrics
    self.scorer = try WorkPhase.compiling.run { try scorer(binding, loss.output, batchSize) }
    let compared = metrics.contains(.agreement) ? reference : nil
    self.reference = try WorkPhase.compiling.run {
      try compared.map {
        try PlanScorer($0, state: ModelState($0), arithmetic: .float, binding: binding, output: loss.output, batchSize: batchSize, sharing: plan)
      }
    }
    let batchCount = (range.count + batchSize - 1) / batchSize
    rounds = (batchCount + communicator.size - 1) / communicator.size
    self.dataset = dataset
    self.preprocessing = preprocessing
    self.options = options.checking(loss.classRule)
    self.communicator = communicator
  }

  /// Runs the data set. All ranks call it together.
  /// - Returns: the same on every rank.
  /// - Throws: what the data set or the communicator throws; `StopRequest`, the same on every rank, when one was asked to stop.
  public func run() throws -> Evaluation {
    var meter = MetricMeter(metrics, of: loss)
    let own = try WorkPhase.evaluating.run { try ownBatches(&meter) }
    var total = MetricCounts.BatchSums()
    for rank in try communicator.allgather(own.withUnsafeBytes { Array($0) }) {
      rank.withUnsafeBytes { bytes in
        for batch in bytes.bindMemory(to: MetricCounts.BatchSums.self) { total.add(batch) }
      }
    }
    var counts = MetricCounts(classCount: 0)
    if !meter.counts.classes.isEmpty {
      for rank in try communicator.allgather(meter.counts.classes.withUnsafeBytes { Array($0) }) {
        rank.withUnsafeBytes { counts.add($0.bindMemory(to: Int.self)) }
      }
    }
    let measured = metrics.filter { $0 != .agreement || reference != nil }
    return Evaluation(
      top1: Metric.top1.value(total, counts), top5: Metric.top5.value(total, counts), loss: total.loss.loss / Double(max(total.loss.count, 1)),
      count: total.loss.count, measured: Dictionary(measured.map { ($0.rawValue, $0.value(total, counts)) }, uniquingKeysWith: { first, _ in first }),
      positions: total.loss.positions)
  }

  /// The sums of each of this rank's batches.
  private func ownBatches(_ meter: inout MetricMeter) throws -> [MetricCounts.BatchSums] {
    let loader = try communicator.together {
      try EvaluationLoader(dataset: dataset, preprocessing: preprocessing, batchSize: scorer.batchSize, range: share, options: options)
    }
    var batches: [MetricCounts.BatchSums] = []
    try communicator.inRounds(rounds) { _ in
      guard let batch = try loader.next() else { return }
      batches.append(
        try scorer.withScores(of: batch) { scores in
          guard let reference else { return meter.measure(scores, batch.targets, reference: nil) }
          return try reference.withScores(of: batch) { meter.measure(scores, batch.targets, reference: $0) }
        })
    }
    return batches
  }
}

extension LoadingOptions {
  /// The same, with classes checked by a loss's rule.
  func checking(_ rule: ClassRule?) -> LoadingOptions {
    var options = self
    options.classes = rule
    return options
  }
}

/// Checks that a network can take the samples of a data set, and that these say what its output should be.
/// - Parameters:
///   - graph: the network.
///   - dataset: the samples.
///   - preprocessing: what changes the shapes of images.
///   - loss: how outputs are judged; nil when targets are not looked at.
/// - Throws: `DataError` with both shapes, or naming a sample whose label is none of the network's classes; `TrainingError` when the targets are of another kind.
public func requireFit(_ graph: Graph, _ dataset: any Dataset, _ preprocessing: Preprocessing, loss: (any OutputLoss)?) throws {
  _ = try InputBinding(graph, dataset, preprocessing)
  try loss?.requireTargets(of: dataset)
}

/// Evaluates a network once. All ranks call it together.
/// - Parameters:
///   - graph: the network.
///   - state: its parameters and statistics; the graph's own constants when nil.
///   - dataset: samples with targets.
///   - preprocessing: applied without random changes.
///   - batchSize: samples in a batch, on whichever rank.
///   - communicator: the ranks; those of `withCommunicator` when nil.
///   - range: the samples to evaluate; all when nil.
///   - loss: how outputs are judged; by the cross-entropy of classes when nil.
///   - options: how samples are read.
///   - metrics: what is measured besides top-1, top-5 and the loss.
///   - reference: the network before it was compressed, for `agreement`; without it that is not measured.
/// - Returns: the same on every rank.
/// - Throws: what `Evaluator` throws.
public func evaluate(
  _ graph: Graph, state: ModelState? = nil, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int = 64,
  communicator: (any Communicator)? = nil, range: Range<Int>? = nil, loss: (any OutputLoss)? = nil, options: LoadingOptions = .init(),
  metrics: [Metric] = [], reference: Graph? = nil
) throws -> Evaluation {
  let state = try state ?? ModelState(graph)
  return try Evaluator(
    graph, state: state, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize,
    communicator: try communicator ?? currentCommunicator(), range: range, loss: loss, options: options, metrics: metrics,
    reference: reference
  ).run()
}
