import QATJSON

/// What `accuracy_aware_training` says: training ends as soon as the compressed network is accurate enough. NNCF's mode `early_exit`.
///
/// The accuracy is the validation's top-1, in percent.
public struct AccuracyAwareTraining: Sendable, Hashable, Codable {
  /// What the compressed network may lose, in percent of the uncompressed network's accuracy (`maximal_relative_accuracy_degradation`).
  public var relativeDegradation: Double?
  /// What it may lose in percentage points (`maximal_absolute_accuracy_degradation`). One of the two is given.
  public var absoluteDegradation: Double?
  /// Epochs after which training ends in any case (`maximal_total_epochs`).
  public var epochs = 10_000

  /// A budget to be filled in.
  init() {}

  /// A budget in percent of the uncompressed network's accuracy.
  public init(relative: Double, epochs: Int) {
    relativeDegradation = relative
    self.epochs = epochs
  }

  /// A budget in percentage points.
  public init(absolute: Double, epochs: Int) {
    absoluteDegradation = absolute
    self.epochs = epochs
  }

  /// The lowest accuracy that is good enough.
  /// - Parameter uncompressed: the uncompressed network's, a fraction.
  /// - Returns: a fraction.
  public func minimum(uncompressed: Double) -> Double {
    if let absoluteDegradation { return uncompressed - 0.01 * absoluteDegradation }
    return uncompressed * (1 - 0.01 * (relativeDegradation ?? 0))
  }

  private enum Mode: String, CaseIterable {
    case earlyExit = "early_exit"
  }

  static let schema = ObjectSchema<AccuracyAwareTraining>(
    [
      SchemaKey(
        "mode",
        read: { member, _, problems in
          _ = ValueRule<Mode>.choice(known: [
            "adaptive_compression_level": "changes a rate of compression on the way, and quantization has none"
          ]).read(member.value, &problems)
        }, write: { _ in .string(Mode.earlyExit.rawValue) }
      ).required,
      SchemaKey(
        "params", read: { member, root, problems in parameters.read(member.value, into: &root, &problems) }, write: { parameters.write($0) }
      ).required,
    ])

  private static let ofAdaptiveMode = "it belongs to the mode \"adaptive_compression_level\", which is not for quantization"

  private static let parameters = ObjectSchema<AccuracyAwareTraining>(
    [
      SchemaKey("maximal_relative_accuracy_degradation", optional: \.relativeDegradation, .nonnegative),
      SchemaKey("maximal_absolute_accuracy_degradation", optional: \.absoluteDegradation, .nonnegative),
      SchemaKey("maximal_total_epochs", \.epochs, .integer(atLeast: 1)).required,
    ],
    misplaced: Dictionary(
      uniqueKeysWithValues: [
        "initial_training_phase_epochs", "patience_epochs", "initial_compression_rate_step", "compression_rate_step_reduction_factor",
        "lr_reduction_factor", "minimal_compression_rate_step",
      ].map { ($0, ofAdaptiveMode) }),
    rules: [
      { budget, node, problems in
        if (budget.relativeDegradation == nil) == (budget.absoluteDegradation == nil) {
          problems.error(
            "expected either \"maximal_relative_accuracy_degradation\" or \"maximal_absolute_accuracy_degradation\", found "
              + (budget.relativeDegradation == nil ? "neither" : "both"), at: node)
        }
      }
    ])
}
