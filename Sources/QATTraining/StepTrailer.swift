import QATCommunication
import QATEngine

/// What ranks tell each other in every step besides gradients: the sums of the loss, and flags, so that all decide alike.
///
/// Lives in `ModelState.trailer` and is summed over ranks with the last bucket. Counts up to 2²⁴ are exact in float32.
public struct StepTrailer: Sendable, Hashable {
  /// Sum of the loss over the samples.
  public var loss: Float = 0
  /// Number of samples.
  public var count = 0
  /// Samples whose class scores highest.
  public var correctTop1 = 0
  /// Samples whose class is among the five highest scores.
  public var correctTop5 = 0
  /// Number of ranks whose loss or gradients are not finite.
  public var nonFiniteRanks = 0
  /// Number of ranks that were interrupted (SIGINT).
  public var interruptedRanks = 0
  /// Number of ranks that were asked to end (SIGTERM, SIGUSR1, SIGUSR2, the time limit, the STOP file).
  public var terminatedRanks = 0
  /// Number of ranks whose last checkpoint could not be written: rank 0, or none.
  public var failedWriters = 0

  /// A rank's own part.
  init(_ sums: LossSums, isFinite: Bool, stop: StopRequest?, writerHasFailed: Bool = false) {
    loss = Float(sums.loss)
    count = sums.count
    correctTop1 = sums.correctTop1
    correctTop5 = sums.correctTop5
    nonFiniteRanks = isFinite ? 0 : 1
    interruptedRanks = stop == .interrupt ? 1 : 0
    terminatedRanks = stop == .terminate ? 1 : 0
    failedWriters = writerHasFailed ? 1 : 0
  }

  /// What the trailer of `state` holds.
  init(reading trailer: UnsafeMutableBufferPointer<Float>) {
    loss = trailer[0]
    count = Int(trailer[1])
    correctTop1 = Int(trailer[2])
    correctTop5 = Int(trailer[3])
    nonFiniteRanks = Int(trailer[4])
    interruptedRanks = Int(trailer[5])
    terminatedRanks = Int(trailer[6])
    failedWriters = Int(trailer[7])
  }

  /// Writes this into a trailer.
  func write(to trailer: UnsafeMutableBufferPointer<Float>) {
    trailer[0] = loss
    trailer[1] = Float(count)
    trailer[2] = Float(correctTop1)
    trailer[3] = Float(correctTop5)
    trailer[4] = Float(nonFiniteRanks)
    trailer[5] = Float(interruptedRanks)
    trailer[6] = Float(terminatedRanks)
    trailer[7] = Float(failedWriters)
  }

  /// What the ranks were asked for: an interrupt when any was interrupted.
  var stop: StopRequest? { interruptedRanks > 0 ? .interrupt : terminatedRanks > 0 ? .terminate : nil }
}
