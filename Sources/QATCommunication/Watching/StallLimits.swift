/// After how long without a sign of life or of progress a run is ended.
public struct StallLimits: Sendable, Hashable {
  /// Seconds after which a rank counts as lost: one that is not heard of, or one that is, but does not move on.
  public var timeout: Double
  /// Seconds that may pass until all ranks have started MPI: no less than a minute, as launchers take their time.
  public var startTimeout: Double

  /// Limits for a run.
  /// - Parameter timeout: seconds after which a rank counts as lost.
  public init(timeout: Double) {
    self.timeout = timeout
    startTimeout = max(timeout, 60)
  }

  /// Ten minutes, as PyTorch gives its process groups; a warning comes after one.
  public static let standard = StallLimits(timeout: 600)

  /// Seconds between two signs of life. More often costs nothing but wakes processors.
  var interval: Double { min(5, max(0.2, timeout / 10)) }

  /// Seconds without a sign of life. They come from a thread that does nothing else, however long a step takes; the verdict falls before `timeout` has passed.
  var silence: Double { 0.8 * timeout }

  /// Seconds without progress: never less than twenty steps last.
  func patience(medianStep: Double) -> Double { max(timeout, 20 * medianStep) }

  /// Seconds after which the user is warned, of silence or of no progress.
  func warning(medianStep: Double) -> Double { max(2, timeout / 10, 20 * medianStep) }
}
