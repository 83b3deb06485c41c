import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATLowering

/// How well a network classifies a data set.
public struct Evaluation: Sendable, Hashable, Codable {
  /// Fraction of samples whose class scores highest.
  public var top1: Double
  /// Fraction of samples whose class is among the five highest scores.
  public var top5: Double
  /// Mean loss.
  public var loss: Double
  /// Number of samples.
  public var count: Int
}

/// Evaluates a network on a data set, again and again: it is compiled once.
///
/// Whole batches are dealt to the ranks, without padding, and their sums are added in the order of the batches: every rank gets the same bytes, for every
/// number of ranks.
public final class Evaluator {
  private let scorer: any Scorer
  private let objective: CrossEntropy
  private let dataset: any Dataset
  private let preprocessing: Preprocessing
  private let communicator: any Communicator
  private let share: Range<Int>
  /// Batches of the rank with the largest share.
  private let rounds: Int

  /// An evaluator of the network with its current parameters.
  /// - Parameters:
  ///   - graph: a classifier with one input.
  ///   - state: its parameters and statistics.
  ///   - dataset: images and labels.
  ///   - preprocessing: applied without mirroring and moving.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - communicator: the ranks.
  ///   - range: the samples to evaluate; all when nil.
  /// - Throws: `TrainingError` when the network is no classifier of one input; what the engine throws.
  public convenience init(
    _ graph: Graph, state: ModelState, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int, communicator: any Communicator,
    range: Range<Int>? = nil
  ) throws {
    try self.init(graph, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize, communicator: communicator, range: range) {
      try PlanScorer(graph, state: state, output: $0.output, batchSize: $1)
    }
  }

  /// An evaluator of a lowered network in the arithmetic of a runtime.
  /// - Parameters:
  ///   - lowered: a classifier with one input.
  ///   - runtime: whose arithmetic.
  ///   - dataset: images and labels.
  ///   - preprocessing: applied without mirroring and moving.
  ///   - batchSize: samples in a batch, on whichever rank.
  ///   - communicator: the ranks.
  /// - Throws: `TrainingError` when the network is no classifier of one input; `GraphError` when it cannot run.
  public convenience init(
    _ lowered: LoweredGraph, in runtime: Runtime, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int,
    communicator: any Communicator
  ) throws {
    let graph = lowered.simulation
    try self.init(graph, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize, communicator: communicator, range: nil) {
      try DeployedScorer(lowered, in: runtime, output: $0.output, batchSize: $1)
    }
  }

  private init(
    _ graph: Graph, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int, communicator: any Communicator, range: Range<Int>?,
    scorer: (_ objective: CrossEntropy, _ batchSize: Int) throws -> any Scorer
  ) throws {
    guard graph.inputs.count == 1 else {
      throw TrainingError(.input, "the network '\(graph.name)' has the inputs \(graph.inputs.map(\.name)); images and labels can feed exactly one")
    }
    try requireFit(of: dataset, to: graph)
    let range = range ?? 0..<dataset.count
    let batchSize = max(1, min(batchSize, range.count))
    let own = EvaluationLoader.share(of: range.count, batchSize: batchSize, rank: communicator.rank, size: communicator.size)
    share = range.lowerBound + own.lowerBound..<range.lowerBound + own.upperBound
    let objective = try CrossEntropy(of: graph)
    self.objective = objective
    self.scorer = try WorkPhase.compiling.run { try scorer(objective, batchSize) }
    let batchCount = (range.count + batchSize - 1) / batchSize
    rounds = (batchCount + communicator.size - 1) / communicator.size
    self.dataset = dataset
    self.preprocessing = preprocessing
    self.communicator = communicator
  }

  /// Runs the data set. All ranks call it together.
  /// - Returns: the same on every rank.
  /// - Throws: what the data set or the communicator throws; `StopRequest`, the same on every rank, when one was asked to stop.
  public func run() throws -> Evaluation {
    let own = try WorkPhase.evaluating.run { try ownBatches() }
    var total = LossSums()
    for rank in try communicator.allgather(own.withUnsafeBytes { Array($0) }) {
      rank.withUnsafeBytes { bytes in
        for batch in bytes.bindMemory(to: LossSums.self) { total.add(batch) }
      }
    }
    let count = Double(max(total.count, 1))
    return Evaluation(
      top1: Double(total.correctTop1) / count, top5: Double(total.correctTop5) / count, loss: total.loss / count, count: total.count)
  }

  /// The sums of each of this rank's batches.
  private func ownBatches() throws -> [LossSums] {
    let loader = try communicator.together {
      try EvaluationLoader(dataset: dataset, preprocessing: preprocessing, batchSize: scorer.batchSize, range: share)
    }
    var batches: [LossSums] = []
    try communicator.inRounds(rounds) { _ in
      guard let batch = try loader.next() else { return }
      // A last, smaller batch leaves old samples behind it; each sample's scores depend on that sample alone.
      batches.append(
        try scorer.withScores(of: batch.pixels) { objective.evaluate(scores: $0, labels: batch.labels, gradient: nil, scale: 1) })
    }
    return batches
  }
}

/// Checks that a classifier of one input can take the samples of a data set.
/// - Throws: `TrainingError` with both shapes; `DataError` naming a sample whose label is none of the network's classes.
func requireFit(of dataset: any Dataset, to graph: Graph) throws {
  guard let input = graph.inputs.first, Array(input.type.dimensions.dropFirst()).map(\.fixedSize) == dataset.sampleShape else {
    throw TrainingError(
      .input,
      "the network '\(graph.name)' takes \(graph.inputs.map { "'\($0.name)' \($0.type)" }), a sample of \(dataset.name) is \(dataset.sampleShape) "
        + "(channels, height, width). Give data of the network's size")
  }
  try dataset.requireLabels(below: CrossEntropy(of: graph).classCount)
}

/// Evaluates a network once. All ranks call it together.
/// - Parameters:
///   - graph: a classifier with one input.
///   - state: its parameters and statistics; the graph's own constants when nil.
///   - dataset: images and labels.
///   - preprocessing: applied without mirroring and moving.
///   - batchSize: samples in a batch, on whichever rank.
///   - communicator: the ranks; those of `withCommunicator` when nil.
///   - range: the samples to evaluate; all when nil.
/// - Returns: the same on every rank.
/// - Throws: what `Evaluator` throws.
public func evaluate(
  _ graph: Graph, state: ModelState? = nil, dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int = 64,
  communicator: (any Communicator)? = nil, range: Range<Int>? = nil
) throws -> Evaluation {
  let state = try state ?? ModelState(graph)
  return try Evaluator(
    graph, state: state, dataset: dataset, preprocessing: preprocessing, batchSize: batchSize,
    communicator: try communicator ?? currentCommunicator(), range: range
  ).run()
}
