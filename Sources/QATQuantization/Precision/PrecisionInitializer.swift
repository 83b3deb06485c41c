extension QuantizationConfiguration {
  /// How bit widths are chosen, point by point: reference NNCF's `initializer.precision`.
  public struct PrecisionInitializer: Sendable, Hashable, Codable {
    /// Who chooses.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
      /// The configuration names quantizers and their bit widths.
      case manual
      /// The curvature of the loss: weights to which the loss is least sensitive get the fewest bits.
      case hawq
    }

    /// A quantizer and its bit width: an entry of `bitwidth_per_scope`.
    public struct Assignment: Sendable, Hashable, Codable {
      /// The bit width.
      public var bits: Int
      /// Part of a quantizer's id; the first quantizer whose id contains it is meant.
      public var scope: String

      /// An assignment.
      public init(bits: Int, scope: String) {
        self.bits = bits
        self.scope = scope
      }
    }

    /// Who chooses.
    public var kind = Kind.manual
    /// For `manual`: what is chosen; quantizers that it does not name keep the bit width that they have without it.
    public var assignments: [Assignment] = []
    /// For `hawq`: how is chosen.
    public var hawq = HAWQ()

    /// Nothing chosen by hand.
    public init() {}

    /// Whether the choice needs samples with targets.
    public var measuresCurvature: Bool { kind == .hawq && hawq.tracesPath == nil }
  }

  /// The settings of HAWQ. Defaults are NNCF's.
  ///
  /// Reference: "HAWQ-V2: Hessian Aware trace-Weighted Quantization of Neural Networks", Z. Dong et al. 2019, arXiv:1911.03852.
  public struct HAWQ: Sendable, Hashable, Codable {
    /// How activations follow the weights.
    public enum AssignmentMode: String, Sendable, Hashable, Codable, CaseIterable {
      /// All quantizers that feed the same operators have the same bit width.
      case strict
      /// An activation has the lowest bit width that a weight beside it has too, else its own lowest.
      case liberal
    }

    /// The bit widths among which is chosen, as far as the device offers them.
    public var bitWidths = [2, 4, 8]
    /// Samples over which the loss is averaged, rounded up to whole batches.
    public var sampleCount = 100
    /// Largest number of random probes of the curvature.
    public var probeCount = 200
    /// The relative change of the mean trace below which no more probes are taken.
    public var tolerance = 1e-4
    /// How many times fewer bit operations the network shall have than with 8 bits everywhere, at least.
    public var compressionRatio = 1.5
    /// How activations follow the weights.
    public var assignmentMode = AssignmentMode.liberal
    /// A file of traces that an earlier run has measured; nil measures them.
    public var tracesPath: String?
    /// Whether what was measured and chosen is written to the configuration's `log_dir`.
    public var dumpsData = false

    /// NNCF's defaults.
    public init() {}
  }
}
