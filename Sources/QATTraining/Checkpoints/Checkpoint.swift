import QATTensor

/// Everything that a run needs to go on as if it had not stopped.
public struct Checkpoint: Sendable {
  /// Weights, batch norm's parameters and statistics, quantizer parameters, by tensor name.
  public var model: [String: Tensor]
  /// What the optimizer remembers, named `<parameter>.<memory>`.
  public var optimizer: [String: Tensor]
  /// Where the run stands.
  public var state: TrainingState
  /// The user's own objects.
  public var objects: CheckpointObjects

  /// A checkpoint of its parts.
  public init(model: [String: Tensor], optimizer: [String: Tensor], state: TrainingState, objects: CheckpointObjects = .init()) {
    self.model = model
    self.optimizer = optimizer
    self.state = state
    self.objects = objects
  }
}
