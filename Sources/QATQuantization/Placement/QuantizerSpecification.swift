import QATGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How one quantizer quantizes. Reference: NNCF's quantizer specification, the `qspec` of a compression state.
public struct QuantizerSpecification: Sendable, Hashable, Codable {
  /// Bit width of the stored integer.
  public var bits: Int
  /// One bound or two.
  public var mode: QuantizationConfiguration.Mode
  /// The sign that the hardware table or the configuration demands of a symmetric quantizer; nil leaves it to the data.
  public var forcedSign: Bool?
  /// Whether a symmetric quantizer has negative codes. Unsigned until demanded otherwise or found in the data, as in NNCF.
  public var signed: Bool
  /// The axis with one range an index; nil for one range in all.
  public var channelAxis: Int?
  /// Shape of each parameter: [C] for C channels, [1] for one range in all.
  public var parameterShape: [Int]
  /// Whether the lowest code of a symmetric weight is left out.
  public var narrowRange: Bool
  /// Whether only the inner half of the codes is used: the overflow fix.
  public var halfRange: Bool
  /// Which codes of the weight are kept to sums that fit 16 bits: the pairwise overflow fix. nil for none.
  public var pairing: WeightPairing?
  /// Whether scale or range is trained as its logarithm.
  public var isLogarithmic = false
  /// Factor of the parameters' gradients; nil for 1.
  public var learningRateMultiplier: Double?
  /// Whether the step is rounded up to a power of two. States of other quantizers do not mention it.
  public var hasPowerOfTwoStep: Bool {
    get { powerOfTwoStep == true }
    set { powerOfTwoStep = newValue ? true : nil }
  }
  private var powerOfTwoStep: Bool?

  /// A specification; the sign starts at what is demanded.
  public init(
    bits: Int = 8, mode: QuantizationConfiguration.Mode = .symmetric, forcedSign: Bool? = nil, channelAxis: Int? = nil, parameterShape: [Int] = [1],
    narrowRange: Bool = false, halfRange: Bool = false, pairing: WeightPairing? = nil
  ) {
    self.bits = bits
    self.mode = mode
    self.forcedSign = forcedSign
    self.signed = forcedSign ?? false
    self.channelAxis = channelAxis
    self.parameterShape = parameterShape
    self.narrowRange = narrowRange
    self.halfRange = halfRange
    self.pairing = pairing
  }

  private enum CodingKeys: String, CodingKey {
    case bits = "num_bits"
    case mode
    case forcedSign = "signedness_to_force"
    case signed
    case channelAxis = "channel_axis"
    case parameterShape = "scale_shape"
    case narrowRange = "narrow_range"
    case halfRange = "half_range"
    case pairing
    case isLogarithmic = "logarithm_scale"
    case learningRateMultiplier = "compression_lr_multiplier"
    case powerOfTwoStep = "power_of_two_scale"
  }

  /// Whether each channel has its own range.
  public var perChannel: Bool { channelAxis != nil }

  /// The graph's operator for this specification.
  public var fakeQuantize: FakeQuantize {
    let kind: FakeQuantize.Mode = mode == .symmetric ? .symmetric(signed: signed) : .asymmetric
    return FakeQuantize(
      mode: kind, bits: bits, narrowRange: narrowRange, halfRange: halfRange, pairing: signed ? pairing : nil, channelAxis: channelAxis,
      isLogarithmic: isLogarithmic, hasPowerOfTwoStep: hasPowerOfTwoStep, gradientMultiplier: Float(learningRateMultiplier ?? 1))
  }

  /// Names and starting values of the parameters: `scale` 1; `input_low` 0 and `input_range` 1; with logarithms `log_scale` or `log_input_range` 0.
  /// Source: NNCF, quantizers before initialisation.
  var parameters: [(suffix: String, initialValue: Float)] {
    let (prefix, one): (String, Float) = isLogarithmic ? ("log_", 0) : ("", 1)
    return mode == .symmetric ? [("\(prefix)scale", one)] : [("input_low", 0), ("\(prefix)input_range", one)]
  }

  /// The raw parameter that stands for a scale or range: itself, or its logarithm. Where there is no logarithm, that of what NNCF adds to a range.
  func raw(_ extent: Double) -> Float { Float(isLogarithmic ? log(max(extent, FakeQuantize.epsilon)) : extent) }
}
