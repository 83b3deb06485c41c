/// Counts steps and epochs of fine-tuning. Both start at −1, and each is announced before it begins. Source: NNCF's base scheduler.
public final class CompressionScheduler {
  /// Where a scheduler stands.
  public struct State: Sendable, Hashable, Codable {
    /// Number of the current step; −1 before the first.
    public var currentStep: Int
    /// Number of the current epoch; −1 before the first.
    public var currentEpoch: Int

    /// A state; before the first step unless said otherwise.
    public init(currentStep: Int = -1, currentEpoch: Int = -1) {
      self.currentStep = currentStep
      self.currentEpoch = currentEpoch
    }

    private enum CodingKeys: String, CodingKey {
      case currentStep = "current_step"
      case currentEpoch = "current_epoch"
    }
  }

  /// Where the scheduler stands. Set it to resume.
  public var state: State

  /// A scheduler before the first step.
  public init() { state = State() }

  /// Announces the next training step, or step `next`. Called before the step's forward pass.
  public func step(_ next: Int? = nil) { state.currentStep = next ?? state.currentStep + 1 }

  /// Announces the next epoch, or epoch `next`. Called before the epoch's first step.
  public func epochStep(_ next: Int? = nil) { state.currentEpoch = next ?? state.currentEpoch + 1 }
}
