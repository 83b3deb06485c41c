extension QuantizationConfiguration {
  /// How observations of a tensor become the range of its quantizer: reference NNCF's `initializer.range`.
  public struct RangeInitializer: Sendable, Hashable, Codable {
    /// What is taken of the values. docs/numerics.md has the formulas.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
      /// Extremes; for activations with one range in all, the mean of the samples' maxima.
      case mixedMinMax = "mixed_min_max"
      /// The extremes of everything.
      case minMax = "min_max"
      /// Means of the batches' extremes.
      case meanMinMax = "mean_min_max"
      /// The median, three standard deviations to both sides, which are estimated from the median deviation.
      case threeSigma = "threesigma"
      /// Two percentiles of everything.
      case percentile
      /// Means of the batches' percentiles.
      case meanPercentile = "mean_percentile"

      /// Whether `minimumPercentile` and `maximumPercentile` matter.
      var usesPercentiles: Bool { self == .percentile || self == .meanPercentile }
    }

    /// What is taken of the values.
    public var kind: Kind = .mixedMinMax
    /// Number of calibration samples, rounded up to whole batches; 0 leaves quantizers at their defaults.
    public var sampleCount: Int = 256
    /// The percentage of values below the range, for `percentile` and `mean_percentile`.
    public var minimumPercentile = 0.1
    /// The percentage of values that are not above the range, for `percentile` and `mean_percentile`.
    public var maximumPercentile = 99.9

    /// NNCF's default.
    public init() {}

    /// An initializer of a kind, with NNCF's defaults otherwise.
    public init(_ kind: Kind, sampleCount: Int = 256) {
      self.kind = kind
      self.sampleCount = sampleCount
    }
  }

  /// Which quantizers find their ranges how.
  public enum RangeInitialization: Sendable, Hashable, Codable {
    /// All alike.
    case everywhere(RangeInitializer)
    /// Each by the one entry that means it; every quantizer must have one.
    case perLayer([LayerRangeInitializer])
  }

  /// An initializer of some quantizers: an entry of `initializer.range` when that is an array.
  public struct LayerRangeInitializer: Sendable, Hashable, Codable {
    /// Quantizers of weights or of activations.
    public enum Group: String, Sendable, Hashable, Codable, CaseIterable {
      /// Quantizers of weights.
      case weights
      /// Quantizers of activations.
      case activations
    }

    /// How the ranges are found.
    public var initializer = RangeInitializer()
    /// Scopes that the entry does not mean: ids of quantizers or names of nodes.
    public var ignoredScopes: [String] = []
    /// The only scopes that the entry means, when given.
    public var targetScopes: [String]?
    /// The only group that the entry means, when given.
    public var group: Group?

    /// An entry for all quantizers.
    public init(_ initializer: RangeInitializer = RangeInitializer()) { self.initializer = initializer }
  }

  /// Number of samples that initialisation reads when the data have them: the largest of what ranges, batch norm and HAWQ want, in whole batches.
  /// - Parameter batchSize: samples in a calibration batch.
  /// - Returns: the number.
  public func calibrationSampleCount(batchSize: Int = calibrationBatchSize) -> Int {
    let overrides = (weights.overrides + activations.overrides).compactMap(\.range)
    let measured = precision.map { $0.measuresCurvature ? $0.hawq.sampleCount : 0 } ?? 0
    let counts = (range.initializers + overrides).map(\.sampleCount) + [batchNormAdaptationSampleCount, measured]
    return counts.map { roundedUp($0, toMultipleOf: batchSize) }.max() ?? 0
  }
}

extension QuantizationConfiguration.RangeInitialization {
  /// All initializers that are mentioned.
  public var initializers: [QuantizationConfiguration.RangeInitializer] {
    switch self {
    case .everywhere(let initializer): [initializer]
    case .perLayer(let entries): entries.map(\.initializer)
    }
  }
}

/// Samples in a calibration batch, on whichever rank, unless said otherwise. Statistics that are defined per batch depend on it.
public let calibrationBatchSize = 32

/// The smallest multiple of `step` that is not below `count`; of what would not fit, the largest number.
func roundedUp(_ count: Int, toMultipleOf step: Int) -> Int {
  let (sum, overflow) = count.addingReportingOverflow(step - 1)
  return overflow ? .max : sum / step * step
}
