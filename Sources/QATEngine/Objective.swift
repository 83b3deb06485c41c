/// What training minimises: a loss of the network's outputs, and its gradient.
public protocol Objective {
  /// Sums the loss over the samples of one batch and writes its gradient.
  /// - Parameters:
  ///   - plan: a plan whose `forward` has run; the objective reads its outputs and writes its output gradients, each multiplied by `scale`.
  ///   - targets: what the outputs should be, for as many samples as the batch has; in evaluation it may be fewer.
  ///   - scale: 1 / (number of samples in the global batch), so that gradients summed over ranks are those of the mean loss.
  /// - Returns: sums over the batch, not scaled.
  func evaluate(_ plan: Plan, targets: BatchTargets, scale: Float) -> LossSums
}

/// Sums over the samples of a batch.
public struct LossSums: Sendable, Hashable {
  /// Sum of the samples' losses.
  public var loss: Double
  /// Positions whose class has the highest score.
  public var correctTop1: Int
  /// Positions whose class is among the five highest scores.
  public var correctTop5: Int
  /// Positions that have a class: one a sample, or pixels and tokens that are not ignored; 0 where targets are no classes.
  public var positions: Int
  /// Number of samples.
  public var count: Int

  /// Sums; of nothing unless said otherwise. Where positions are not given, each sample is one.
  public init(loss: Double = 0, correctTop1: Int = 0, correctTop5: Int = 0, positions: Int? = nil, count: Int = 0) {
    self.loss = loss
    self.correctTop1 = correctTop1
    self.correctTop5 = correctTop5
    self.positions = positions ?? count
    self.count = count
  }

  /// Adds another batch's sums.
  public mutating func add(_ other: LossSums) {
    loss += other.loss
    correctTop1 += other.correctTop1
    correctTop5 += other.correctTop5
    positions += other.positions
    count += other.count
  }
}
