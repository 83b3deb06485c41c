/// A learning rate that the user's own function decides, from epoch to epoch. As Keras's callback of this name.
public final class LearningRateScheduler: TrainingCallback {
  private let rate: (_ epoch: Int, _ rate: Double) -> Double

  /// A schedule.
  /// - Parameter rate: the rate of an epoch, counted from 0, from the one that the optimizer's own schedule says. The same function on every rank, and one of its
  ///   arguments alone, so that resuming changes nothing.
  public init(_ rate: @escaping (_ epoch: Int, _ rate: Double) -> Double) { self.rate = rate }

  /// The function's rate.
  public func learningRate(_ rate: Double, inEpoch epoch: Int) -> Double { self.rate(epoch, rate) }
}
