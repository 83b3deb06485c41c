/// What the `quantization` section of a configuration says, with NNCF's defaults where it is silent.
public struct QuantizationConfiguration: Sendable, Hashable, Codable {
  /// Modes of weights and activations unless a group says otherwise.
  public enum Preset: String, Sendable, Hashable, Codable, CaseIterable {
    /// Symmetric weights, symmetric activations.
    case performance
    /// Symmetric weights, asymmetric activations.
    case mixed
  }

  /// Whether a range is described by one bound or by two.
  public enum Mode: String, Sendable, Hashable, Codable, CaseIterable {
    /// One bound: the scale.
    case symmetric
    /// Two bounds: the low one and the width.
    case asymmetric
  }

  /// What keeps sums of two products in 16 bits on CPUs without VNNI: which weights keep to the inner half of their codes, as in NNCF, or our own
  /// `pairwise`.
  public enum OverflowFix: String, Sendable, Hashable, Codable, CaseIterable {
    /// All weights.
    case enable
    /// None.
    case disable
    /// Those of layers that read the network's inputs.
    case firstLayerOnly = "first_layer_only"
    /// All weights keep their whole range, and only the codes that meet in such a sum are limited together (`WeightPairing`).
    case pairwise
  }

  /// What is demanded of quantizers; nil leaves the choice to the hardware table.
  public struct Demands: Sendable, Hashable, Codable {
    /// Symmetric or asymmetric.
    public var mode: Mode?
    /// Bit width.
    public var bits: Int?
    /// Forces the sign of symmetric quantizers.
    public var signed: Bool?
    /// One range a channel, or one a tensor.
    public var perChannel: Bool?

    /// No demands.
    public init() {}
  }

  /// Demands on the quantizers of the operators in one scope, stronger than those of their group.
  public struct ScopeOverride: Sendable, Hashable, Codable {
    /// The operators that own the weights, or read the activations.
    public var scope: String
    /// What is demanded of them.
    public var demands: Demands
    /// How their ranges are found, when not as everywhere.
    public var range: RangeInitializer?

    /// Demands on a scope.
    public init(_ scope: String, _ demands: Demands = Demands(), range: RangeInitializer? = nil) {
      self.scope = scope
      self.demands = demands
      self.range = range
    }
  }

  /// What concerns the quantizers of weights or of activations.
  public struct Group: Sendable, Hashable, Codable {
    /// What is demanded of them.
    public var demands = Demands()
    /// Demands on some of them (`scope_overrides`); of two that match, the later one holds.
    public var overrides: [ScopeOverride] = []
    /// Scopes without such quantizers.
    public var ignoredScopes: [String] = []
    /// The only scopes with such quantizers; replaces the section's list.
    public var targetScopes: [String]?
    /// Whether a scope of this group that matches no node is an error.
    public var validatesScopes = true
    /// Lists of nodes whose activation quantizers share one scale (`unified_scale_ops`); empty for weights.
    public var unifiedScaleOperators: [[String]] = []
    /// Whether scales and ranges are trained as their logarithms (`logarithm_scale`).
    public var usesLogarithms = false

    /// No demands.
    public init() {}
  }

  /// Modes of weights and activations unless a group says otherwise; nil where the device decides: `performance` for all but NPU and TRIAL.
  public var preset: Preset?
  /// Demands on weight quantizers.
  public var weights = Group()
  /// Demands on activation quantizers.
  public var activations = Group()
  /// Whether the network's inputs are quantized.
  public var quantizesInputs = true
  /// Whether the network's outputs are quantized.
  public var quantizesOutputs = false
  /// How sums of two products are kept in 16 bits; nil where the device decides: all on ANY and CPU, none on the others.
  public var overflowFix: OverflowFix?
  /// Whether all steps are powers of two (`power_of_two_scales`, our own): every runtime then computes the same codes as training.
  public var usesPowersOfTwo = false
  /// Scopes left in floating point.
  public var ignoredScopes: [String] = []
  /// The only scopes that are quantized, when given.
  public var targetScopes: [String]?
  /// Whether a scope that matches no node is an error.
  public var validatesScopes = true
  /// How ranges are found.
  public var range = RangeInitialization.everywhere(RangeInitializer())
  /// Samples for the adaptation of batch norm's running statistics; 0 turns it off.
  public var batchNormAdaptationSampleCount = 2000
  /// How bit widths are chosen point by point; nil where the demands and the device alone decide.
  public var precision: PrecisionInitializer?
  /// When quantizers begin to quantize (`params`); nil for all from the start.
  public var stages: QuantizationStages?
  /// What `params` say of training itself, until a run has taken it over.
  public var stagedTraining: StagedTraining?
  /// Factor of the gradients of the quantizers' parameters (`compression_lr_multiplier`); nil for 1.
  public var learningRateMultiplier: Double?

  /// NNCF's defaults.
  public init() {}
}
