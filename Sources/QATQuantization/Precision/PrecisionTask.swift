import QATEngine

/// What the choice of bit widths by curvature needs besides samples.
public struct PrecisionTask {
  /// The loss whose curvature counts.
  public var objective: any Objective
  /// The seed of the random probes.
  public var seed: UInt64
  /// Hears of every probe, on every rank.
  public var progress: (HessianProgress) -> Void

  /// A task.
  /// - Parameters:
  ///   - objective: the loss whose curvature counts.
  ///   - seed: the seed of the random probes.
  ///   - progress: hears of every probe, on every rank.
  public init(objective: any Objective, seed: UInt64 = 0, progress: @escaping (HessianProgress) -> Void = { _ in }) {
    self.objective = objective
    self.seed = seed
    self.progress = progress
  }
}

/// How far the measurement of Hessian traces has come.
public struct HessianProgress: Sendable, Hashable {
  /// Probes taken.
  public var probes: Int
  /// Largest number of probes.
  public var limit: Int
  /// The mean over probes so far of the sum of all weights' average traces.
  public var total: Double
  /// By what share of itself the last probe has changed that; infinite after the first.
  public var change: Double
  /// Whether the change is below the tolerance.
  public var hasConverged: Bool
}
