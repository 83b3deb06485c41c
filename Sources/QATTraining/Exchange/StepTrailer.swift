import QATCommunication
import QATEngine

/// What ranks tell each other in every step besides gradients: the sums of the loss, and flags, so that all decide alike.
///
/// Lives in `ModelState.trailer`: every micro-batch writes its own part, and all parts are summed with the last bucket. Counts up to 2²⁴ are exact in float32.
public struct StepTrailer: Sendable, Hashable {
  /// What it carries, each in its place: another number is another line here.
  public enum Field: Int, Sendable, CaseIterable {
    /// Sum of the loss over the samples.
    case loss
    /// Number of samples.
    case count
    /// Positions whose class scores highest.
    case correctTop1
    /// Positions whose class is among the five highest scores.
    case correctTop5
    /// Number of micro-batches whose loss or gradients are not finite.
    case nonFinite
    /// Sum, over the micro-batches, of the largest magnitude among the gradients and batch statistics of each. No element of their sum, in whatever order it is
    /// made, is larger: it says without another look at them whether finite parts may have overflowed together.
    case largestMagnitude
    /// Number of micro-batches on ranks that were interrupted (SIGINT).
    case interrupted
    /// Number of micro-batches on ranks that were asked to end (SIGTERM, SIGUSR1, SIGUSR2, the time limit, the STOP file).
    case terminated
    /// Number of micro-batches on ranks whose last checkpoint could not be written: rank 0's, or none.
    case failedWriters
    /// Sum of the knowledge distillation's part of the loss.
    case distillation
    /// Number of positions that have a class.
    case positions
  }

  /// As many as `ModelState.trailerCount`; most are free.
  private var values = SIMD32<Float>()

  /// One number.
  public subscript(_ field: Field) -> Float {
    get { values[field.rawValue] }
    set { values[field.rawValue] = newValue }
  }

  /// A micro-batch's own part.
  init(
    _ sums: LossSums, distillation: Double = 0, isFinite: Bool, largestMagnitude: Float, stop: StopRequest?, writerHasFailed: Bool = false
  ) {
    self[.loss] = Float(sums.loss)
    self[.count] = Float(sums.count)
    self[.positions] = Float(sums.positions)
    self[.correctTop1] = Float(sums.correctTop1)
    self[.correctTop5] = Float(sums.correctTop5)
    self[.nonFinite] = isFinite ? 0 : 1
    self[.largestMagnitude] = largestMagnitude
    self[.interrupted] = stop == .interrupt ? 1 : 0
    self[.terminated] = stop == .terminate ? 1 : 0
    self[.distillation] = Float(distillation)
    self[.failedWriters] = writerHasFailed ? 1 : 0
  }

  /// What the trailer of a state holds.
  init(reading trailer: UnsafeMutableBufferPointer<Float>) {
    for place in values.indices { values[place] = trailer[place] }
  }

  /// Writes this into a trailer.
  func write(to trailer: UnsafeMutableBufferPointer<Float>) {
    for place in values.indices { trailer[place] = values[place] }
  }

  /// Whether gradients or batch statistics that are finite in every micro-batch may not be so in the sum.
  var mayHaveOverflowed: Bool {
    // Half of the largest number leaves room for all roundings, also those to bfloat16.
    !(self[.largestMagnitude] < .greatestFiniteMagnitude / 2)
  }

  /// What the ranks were asked for: an interrupt when any was interrupted.
  var stop: StopRequest? { self[.interrupted] > 0 ? .interrupt : self[.terminated] > 0 ? .terminate : nil }
}
