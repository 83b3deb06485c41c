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
