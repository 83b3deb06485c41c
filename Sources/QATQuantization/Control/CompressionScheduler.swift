/// Counts steps and epochs of fine-tuning, and knows which quantizers quantize. Both counts start at −1, and each is announced before it begins.
/// Source: NNCF's base and staged schedulers.
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
  /// When quantizers begin to quantize; nil for all from the start.
  public let stages: QuantizationStages?

  /// A scheduler before the first step.
  public init(stages: QuantizationStages? = nil) {
    state = State()
    self.stages = stages
  }

  /// The quantizers that quantize in the current epoch.
  public var enabledKinds: Set<QuantizationPoint.Kind> { stages?.enabledKinds(in: state.currentEpoch) ?? Set(QuantizationPoint.Kind.allCases) }

  /// Whether quantizers begin to quantize in the current epoch, so that ranges are to be found anew.
  public var beginsStage: Bool { stages?.begins(in: state.currentEpoch) ?? false }

  /// How far compression has come.
  public var stage: CompressionStage {
    switch enabledKinds.count {
    case 0: .uncompressed
    case QuantizationPoint.Kind.allCases.count: .fullyCompressed
    default: .partiallyCompressed
    }
  }

  /// Announces the next training step, or step `next`. Called before the step's forward pass.
  public func step(_ next: Int? = nil) { state.currentStep = next ?? state.currentStep + 1 }

  /// Announces the next epoch, or epoch `next`. Called before the epoch's first step.
  public func epochStep(_ next: Int? = nil) { state.currentEpoch = next ?? state.currentEpoch + 1 }
}
