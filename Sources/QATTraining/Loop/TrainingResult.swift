import QATCommunication

/// How a training run ended.
public struct TrainingResult: Sendable {
  /// Steps done since the run's beginning, also before a resume.
  public var steps: Int
  /// Steps of the run whose loss or gradients were not finite, and which changed nothing.
  public var skippedSteps = 0
  /// The evaluation after the last epoch; nil when the run stopped before an epoch's end.
  public var evaluation: Evaluation?
  /// The best evaluation's accuracy and step.
  public var best: TrainingState.Best?
  /// What asked the run to stop; nil when it came to its end.
  public var stop: StopRequest?
  /// Whether a callback has ended the run before its last epoch.
  public var endedEarly = false
  /// Wall-clock seconds of this process's part of the run, evaluations included.
  public var seconds: Double
  /// Seconds in training steps, without evaluations and checkpoints.
  public var stepSeconds = 0.0
  /// The part of them in which this rank had nothing left to do but wait for other ranks and the network.
  public var exposedCommunicationSeconds = 0.0
  /// Samples trained a second over all ranks, without evaluations.
  public var imagesPerSecond: Double
  /// Path of the last checkpoint, on rank 0.
  public var checkpoint: String?
  /// What checkpoints have cost.
  public var checkpoints = CheckpointCost()

  /// What checkpoints have cost a run.
  public struct CheckpointCost: Sendable, Hashable {
    /// How many were begun.
    public var count = 0
    /// How many could not be written, while the run went on.
    public var failedCount = 0
    /// Seconds for which training has waited for them, on this rank, while it went on: the last one, after which nothing comes, is not among them.
    public var seconds = 0.0
    /// The longest of these waits.
    public var longestSeconds = 0.0
  }
}
