import CVectorKernels
import Dispatch
import QATCommunication
import QATData
import QATEngine

/// Sums a step's gradients, batch statistics and trailer over all micro-batches of all ranks, while the last backward pass still runs.
///
/// `advance` is the backward pass's progress callback: it starts each bucket as soon as its gradients are complete, in the same order on every rank,
/// and keeps started ones moving, because MPI does so only inside its own calls. `finish` ends a micro-batch; after the last one it starts the rest and waits.
/// Nothing travels before the last micro-batch. A process alone with one micro-batch does nothing at all. A step allocates nothing.
public final class GradientReducer {
  /// The pieces that travel.
  public let buckets: GradientBuckets
  /// Seconds that the last step has waited for other ranks and the network, with nothing left to compute.
  public private(set) var exposedSeconds = 0.0
  private let state: ModelState
  private let local: LocalSums
  private let exchanges: [any PreparedCollective]
  private let parameterGather: ParameterGather?
  private let microBatchCount: Int
  private var started = 0
  private var settled = 0
  private var failure: (any Error)?

  /// Prepares the sums. All ranks do so together.
  /// - Parameters:
  ///   - state: where micro-batches leave their results, and where the sums end.
  ///   - communicator: the ranks.
  ///   - partition: the micro-batches of a step; one a rank when nil.
  ///   - exchange: how sums are made over ranks.
  ///   - buckets: the pieces; of the sizes that the environment says when nil. Given by the exchange where that has shards.
  /// - Throws: the communicator's error; `TrainingError` when the environment says sizes that cannot be.
  public init(
    _ state: ModelState, communicator: any Communicator, partition: BatchPartition? = nil, exchange: GradientExchange = .init(),
    buckets: GradientBuckets? = nil
  ) throws {
    let partition = partition ?? BatchPartition(microBatchSize: 1, rank: communicator.rank, rankCount: communicator.size)
    self.state = state
    microBatchCount = partition.microBatchCount
    self.buckets = try communicator.together {
      try exchange.shards?.buckets ?? buckets ?? GradientBuckets(state, isTrailingApart: exchange.precision == .bfloat16)
    }
    try communicator.verifyEqual([
      SharedValue(
        "the layout of the gradient buckets", "\(self.buckets.ranges.map(\.count))",
        remedy: "Give every rank the same QAT_BUCKET_KIB (mpirun -x), or none")
    ])
    local = LocalSums(state, leaves: partition.microBatches, addsUp: exchange.order == .library || communicator.size == 1)
    parameterGather = try exchange.shards.map { try ParameterGather(of: state, $0, communicator) }
    exchanges =
      communicator.size == 1
      ? [] : try exchange.collectives(over: self.buckets, local: local, of: state, partition: partition, communicator)
  }

  /// Memory of the sums of micro-batches that are put away until the step's last one, in bytes.
  public var byteCount: Int { local.byteCount }

  /// Notes that the first `completed` gradients are final. Called between kernels, any number of times, with numbers that do not fall.
  public func advance(to completed: Int) {
    guard microBatchCount > 1, local.isAtLast, failure == nil else { return }
    do {
      // The last bucket waits for `finish`: it carries the trailer.
      while started < buckets.ranges.count - 1, buckets.ranges[started].upperBound <= completed { try startNext() }
      try poll()
    } catch {
      failure = error
    }
  }

  /// Ends a micro-batch, whose gradients, statistics and trailer are complete. After the step's last one: starts what has not started, waits for everything,
  /// and turns summed batch statistics into their mean. Gradients stay sums: the objective has scaled them by the global batch.
  /// - Returns: whether the step is complete; otherwise this rank has another micro-batch to compute.
  /// - Throws: the communicator's error, also one met in `advance`.
  @discardableResult
  public func finish() throws -> Bool {
    guard microBatchCount > 1 else { return true }
    guard local.isAtLast else {
      local.putAway()
      return false
    }
    defer {
      local.begin()
      (started, settled, failure) = (0, 0, nil)
    }
    if let failure { throw failure }
    while started < buckets.ranges.count { try startNext() }
    let start = DispatchTime.now().uptimeNanoseconds
    while settled < exchanges.count { try poll() }
    exposedSeconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    let statistics = state.batchStatistics
    if let base = statistics.baseAddress { qat_scale_values(base, statistics.count, 1 / Float(microBatchCount)) }
    return true
  }

  /// Whether each rank updates a share of the parameters, so that `gatherParameters` has something to do.
  public var gathersParameters: Bool { parameterGather != nil }

  /// Gives every rank the parameters that each has updated, where each updates a share of them; otherwise does nothing. All ranks call it after the update.
  /// - Throws: the communicator's error.
  public func gatherParameters() throws {
    guard let parameterGather else { return }
    let start = DispatchTime.now().uptimeNanoseconds
    try parameterGather.run()
    exposedSeconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  private func startNext() throws {
    local.complete(buckets.ranges[started])
    if !exchanges.isEmpty { try exchanges[started].start() }
    started += 1
  }

  /// Moves what has started. Every bucket is asked, because some have more to do than to arrive.
  private func poll() throws {
    var isFirst = true
    for index in settled..<max(settled, min(started, exchanges.count)) {
      if try exchanges[index].poll(), isFirst { settled += 1 } else { isFirst = false }
    }
  }
}
