import CVectorKernels
import QATCommunication
import QATEngine

/// Sums a step's gradients, batch statistics and trailer over the ranks while the backward pass still runs.
///
/// `advance` is the backward pass's progress callback: it starts each bucket as soon as its gradients are complete, in the same order on every rank,
/// and keeps started ones moving, because MPI does so only inside its own calls. `finish` starts the rest and waits. A process alone does nothing at all.
/// A step allocates nothing.
public final class GradientReducer {
  /// The pieces that travel.
  public let buckets: GradientBuckets
  private let state: ModelState
  private let sums: [any PreparedSum]
  private let size: Int
  private var started = 0
  private var settled = 0
  private var failure: (any Error)?

  /// Prepares the sums. All ranks do so together.
  /// - Throws: the communicator's error.
  public init(_ state: ModelState, communicator: any Communicator, buckets: GradientBuckets? = nil) throws {
    self.state = state
    size = communicator.size
    let trailing = state.reduced.count - state.parameters.count
    let cut = buckets ?? GradientBuckets(parameterCount: state.parameters.count, trailingCount: trailing)
    self.buckets = cut
    sums =
      communicator.size == 1
      ? [] : try cut.ranges.map { try communicator.preparedSum(of: UnsafeMutableBufferPointer(rebasing: state.reduced.elements[$0])) }
  }

  /// Notes that the first `completed` gradients are final. Called between kernels, any number of times, with numbers that do not fall.
  public func advance(to completed: Int) {
    guard !sums.isEmpty, failure == nil else { return }
    do {
      // The last bucket waits for `finish`: it carries the trailer.
      while started < sums.count - 1, buckets.ranges[started].upperBound <= completed {
        try sums[started].start()
        started += 1
      }
      // Polling one moves all.
      while settled < started, try sums[settled].poll() { settled += 1 }
    } catch {
      failure = error
    }
  }

  /// Starts what has not started, waits for everything, and turns summed batch statistics into their mean over ranks.
  /// Gradients stay sums: the objective has scaled them by the global batch.
  /// - Throws: the communicator's error, also one met in `advance`.
  public func finish() throws {
    guard !sums.isEmpty else { return }
    defer {
      started = 0
      settled = 0
      failure = nil
    }
    if let failure { throw failure }
    while started < sums.count {
      try sums[started].start()
      started += 1
    }
    while settled < sums.count {
      try sums[settled].wait()
      settled += 1
    }
    let statistics = state.batchStatistics
    if let base = statistics.baseAddress { qat_scale_values(base, statistics.count, 1 / Float(size)) }
  }
}
