import QATTensor

/// Rounds a tensor to the grid of an integer type and back, in floating point, as NNCF does.
///
/// Inputs, symmetric: x, scale. Inputs, asymmetric: x, input_low, input_range. The parameters have one element (per-tensor) or one an index of
/// `channelAxis` (per-channel), shaped [C]. With k = (levels − 1) / range and zp = rint(−low · k):
/// y = rint((clamp(x, low, low + range) − low) · k − zp) / k, rounding half to even, so zero maps exactly to zero.
/// Symmetric: s = |scale| + 1e-16, low = s · levelLow / levelHigh, range = s − low. Asymmetric: (low, range) tuned so that zero lies on the grid.
/// Logarithmic quantizers hold the logarithms of scale and range: s = exp(log_scale), and nothing is added.
///
/// With `hasPowerOfTwoStep`, a symmetric quantizer's step is the smallest power of two that is not below s / levelHigh, nothing is added to |scale|, and every
/// operation but the rounding is exact: y = rint(clamp(x, low, high) · k) / k. Source: Jain et al. 2019, "Trained quantization thresholds", arXiv 1903.08066.
///
/// With a `pairing`, codes of neighbours are then moved towards zero until their sum fits 16 bits (`WeightPairing`).
///
/// Gradients are straight-through, for the pairing too: the upstream gradient inside [low, high], nothing outside. Those of the parameters are multiplied by
/// `gradientMultiplier`; the choice of a power of two counts as the identity of the logarithm. Source: NNCF 2.14's quantizers.
public struct FakeQuantize: Operator {
  /// The name in files of OpenVINO and in messages; ONNX writes it as a pair QuantizeLinear, DequantizeLinear.
  public static let type = "FakeQuantize"
  /// x and scale, or x, input_low and input_range.
  public static let inputCount = 2...3

  /// How the parameters describe the range.
  public enum Mode: Sendable, Hashable {
    /// One parameter, the upper bound; levels on both sides of zero, or from zero when not signed.
    case symmetric(signed: Bool)
    /// Two parameters, lower bound and range.
    case asymmetric
  }

  /// How the parameters describe the range.
  public var mode: Mode
  /// Bit width of the stored integer, 2...8; with `halfRange` 3...8.
  public var bits: Int
  /// Whether the lowest code is left out, so that the codes are symmetric around zero. Only symmetric weights.
  public var narrowRange: Bool
  /// NNCF's overflow fix: only the inner half of the codes is used, so that sums of two products fit 16 bits.
  public var halfRange: Bool
  /// The other overflow fix: of a signed symmetric weight, which codes meet in sums of two products; they are kept to what fits 16 bits. nil for no limit.
  public var pairing: WeightPairing?
  /// Axis with one set of parameters an index, or nil for one set in all.
  public var channelAxis: Int?
  /// Whether scale or range is held as its logarithm.
  public var isLogarithmic: Bool
  /// Whether the step, which is learned, is rounded up to a power of two. Only symmetric.
  public var hasPowerOfTwoStep: Bool
  /// Factor of the parameters' gradients.
  public var gradientMultiplier: Float

  /// A fake quantizer.
  public init(
    mode: Mode, bits: Int = 8, narrowRange: Bool = false, halfRange: Bool = false, pairing: WeightPairing? = nil, channelAxis: Int? = nil,
    isLogarithmic: Bool = false, hasPowerOfTwoStep: Bool = false, gradientMultiplier: Float = 1
  ) {
    self.mode = mode
    self.bits = bits
    self.narrowRange = narrowRange
    self.halfRange = halfRange
    self.pairing = pairing
    self.channelAxis = channelAxis
    self.isLogarithmic = isLogarithmic
    self.hasPowerOfTwoStep = hasPowerOfTwoStep
    self.gradientMultiplier = gradientMultiplier
  }

  /// Bits of the codes in use: one fewer with the overflow fix.
  public var effectiveBits: Int { halfRange ? bits - 1 : bits }

  /// Whether negative values have codes. NNCF counts every asymmetric quantizer as signed.
  public var isSigned: Bool { mode != .symmetric(signed: false) }

  /// The lowest code.
  public var levelLow: Int {
    mode == .symmetric(signed: true) ? -(1 << (effectiveBits - 1)) + (narrowRange ? 1 : 0) : 0
  }

  /// The highest code.
  public var levelHigh: Int {
    switch mode {
    case .symmetric(signed: true): (1 << (effectiveBits - 1)) - 1
    case .symmetric(signed: false): (1 << effectiveBits) - 1 - (narrowRange ? 1 : 0)
    case .asymmetric: (1 << effectiveBits) - 1
    }
  }

  /// Number of codes.
  public var levels: Int { levelHigh - levelLow + 1 }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    // One bit would leave a signed grid without a level above zero.
    guard ((halfRange ? 3 : 2)...8).contains(bits) else {
      throw ShapeError("FakeQuantize has \(bits) bits, supported are 2 to 8, and 3 to 8 when half of the range is used")
    }
    guard !hasPowerOfTwoStep || mode != .asymmetric else {
      throw ShapeError("FakeQuantize is asymmetric, steps that are powers of two are for symmetric quantizers")
    }
    var expected = Dimension.fixed(1)
    if let channelAxis { expected = x.dimensions[try normalized(axis: channelAxis, rank: x.rank)] }
    let roles = mode == .asymmetric ? ["input_low", "input_range"] : ["scale"]
    guard inputs.count == roles.count + 1 else { throw ShapeError("FakeQuantize (\(mode)) takes x, \(roles.joined(separator: ", "))") }
    for (index, role) in roles.enumerated() {
      let type = try required(inputs, index + 1, role)
      guard type.dimensions == [expected] else { throw ShapeError("FakeQuantize of \(x) needs \(role) [\(expected)], found \(type)") }
    }
    if let pairing {
      let axis = channelAxis.map { $0 < 0 ? $0 + x.rank : $0 } ?? pairing.outputAxis
      guard mode == .symmetric(signed: true), pairing.fits(rank: x.rank), axis == pairing.outputAxis, x.dimensions.allSatisfy({ $0.fixedSize != nil })
      else {
        throw ShapeError(
          "FakeQuantize limits neighbours along axis \(pairing.inputAxis) for each index of axis \(pairing.outputAxis): that is for signed symmetric "
            + "weights with scales along the latter axis, found \(x) (\(mode), channel axis \(channelAxis.map(String.init) ?? "none"))")
      }
    }
    return [x]
  }
}
