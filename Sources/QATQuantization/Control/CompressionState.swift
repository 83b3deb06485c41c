/// What a checkpoint keeps of quantization besides the tensors: the setup and where the scheduler stands.
public struct CompressionState: Sendable, Hashable, Codable {
  /// The quantizers, with the signs that the data decided.
  public var setup: QuantizerSetup
  /// Where the scheduler stands.
  public var scheduler: CompressionScheduler.State

  /// A state.
  public init(setup: QuantizerSetup, scheduler: CompressionScheduler.State) {
    self.setup = setup
    self.scheduler = scheduler
  }
}
