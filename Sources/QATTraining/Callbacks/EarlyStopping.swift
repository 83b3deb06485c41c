/// Ends a run whose evaluations no longer get better. As Keras's callback of this name; it needs validation data.
///
/// What counts are the evaluations after whole epochs, those before a resume included, so that a run that was resumed ends where it would have ended.
public final class EarlyStopping: TrainingCallback {
  /// What of an evaluation counts.
  public enum Metric: Sendable, Hashable {
    /// Fraction of samples whose class scores highest: higher is better.
    case top1
    /// Mean loss: lower is better.
    case loss

    fileprivate func gain(of evaluation: Evaluation) -> Double {
      switch self {
      case .top1: evaluation.top1
      case .loss: -evaluation.loss
      }
    }
  }

  /// What of an evaluation counts.
  public let metric: Metric
  /// Epochs without a better evaluation after which the run ends, at least 1.
  public let patience: Int
  /// By how much an evaluation must be better to count as such.
  public let minimumDelta: Double

  /// Watches a metric.
  /// - Parameters:
  ///   - metric: what of an evaluation counts.
  ///   - patience: epochs without a better evaluation after which the run ends.
  ///   - minimumDelta: by how much an evaluation must be better to count as such.
  public init(_ metric: Metric = .top1, patience: Int, minimumDelta: Double = 0) {
    precondition(patience > 0 && minimumDelta >= 0, "early stopping after \(patience) epochs without \(minimumDelta)")
    self.metric = metric
    self.patience = patience
    self.minimumDelta = minimumDelta
  }

  /// - Throws: `TrainingError` when the run is not evaluated.
  public func trainingBegan(_ trainer: Trainer) throws {
    if trainer.task.validation == nil {
      throw TrainingError(.input, "early stopping looks at evaluations, but the run has no validation data: give it some, or leave the callback out")
    }
  }

  /// Whether the last evaluations were not better than the best one before them.
  public func wantsToStop(_ trainer: Trainer) -> Bool { isOver(trainer.history.map(\.evaluation)) }

  /// The same of evaluations in their order.
  func isOver(_ evaluations: [Evaluation]) -> Bool {
    var (best, epochsSince) = (-Double.infinity, 0)
    for evaluation in evaluations {
      let gain = metric.gain(of: evaluation)
      if gain > best + minimumDelta || best == -.infinity {
        (best, epochsSince) = (gain, 0)
      } else {
        epochsSince += 1
      }
    }
    return epochsSince >= patience
  }
}
