import QATQuantization
import QATTensor

/// Everything that a run needs to go on as if it had not stopped.
public struct Checkpoint: Sendable {
  /// Weights, batch norm's parameters and statistics, quantizer parameters, by tensor name.
  public var model: [String: Tensor]
  /// What the optimizer remembers, named `<parameter>.<memory>`.
  public var optimizer: [String: Tensor]
  /// Where the run stands.
  public var state: TrainingState

  /// A checkpoint of its parts.
  public init(model: [String: Tensor], optimizer: [String: Tensor], state: TrainingState) {
    self.model = model
    self.optimizer = optimizer
    self.state = state
  }
}

/// Where a run stands: `state.json`. Holds neither times nor names of machines, so that the same run writes the same bytes.
public struct TrainingState: Sendable, Hashable, Codable {
  /// The best evaluation so far.
  public struct Best: Sendable, Hashable, Codable {
    /// Steps that were done then.
    public var step: Int
    /// Fraction of samples whose class scored highest.
    public var top1: Double
  }

  /// The evaluation after an epoch.
  public struct EpochResult: Sendable, Hashable, Codable {
    /// The epoch, counted from 0.
    public var epoch: Int
    /// Steps that were done then.
    public var step: Int
    /// What the evaluation found.
    public var evaluation: Evaluation
  }

  /// Version of this record.
  public var formatVersion = 1
  /// Steps done.
  public var step: Int
  /// The epoch that the next step belongs to.
  public var epoch: Int
  /// Samples of that epoch that all ranks together have consumed.
  public var position: Int
  /// The seed from which order, augmentation and dropout follow.
  public var seed: UInt64
  /// Samples in a step over all ranks.
  public var globalBatchSize: Int
  /// Steps that the optimizer has counted.
  public var optimizerStep: Int
  /// Quantizers and their scheduler; nil for an fp32 network.
  public var compression: CompressionState?
  /// The best evaluation so far.
  public var best: Best?
  /// The evaluation after each whole epoch, in their order.
  public var history: [EpochResult] = []
  /// What the run is of.
  public var identity: RunIdentity
}
