#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension FakeQuantize {
  /// The grid that one set of a quantizer's parameters describes: the arithmetic that training, lowering and tests share.
  ///
  /// With k = (levels − 1) / range and z = rint(−low · k), the code of x, counted from the level that stands for zero, is
  /// rint((clamp(x, low, high) − low) · k − z), and its value is code / k. Every operation rounds once in `Scalar`, ties to even, none is fused, in
  /// the order of NNCF's kernels, so that Float gives the codes of NNCF bit for bit. Where k is a power of two, nothing is taken off first: rint(clamp(x) · k),
  /// the nearest code without any other rounding, as the formula of every runtime gives it.
  public struct Grid<Scalar: BinaryFloatingPoint & Sendable>: Sendable, Hashable {
    /// Lower bound.
    public let low: Scalar
    /// Distance between the bounds.
    public let range: Scalar
    /// Upper bound, low + range.
    public let high: Scalar
    /// Levels per unit, (levels − 1) / range.
    public let reciprocalStep: Scalar
    /// Number of the level that stands for zero, counted from the lowest: a whole number in 0...levels − 1.
    public let zeroPoint: Scalar
    /// Distance between neighbouring levels as files store it. For a symmetric grid its upper bound over its highest code, otherwise range / (levels − 1).
    public let step: Scalar
    /// What is taken off a number before it is scaled: the lower bound, or 0 where scaling is exact.
    public let origin: Scalar
    /// The place of `origin` in steps, which is taken off again: a whole number.
    public let shift: Scalar

    /// The grid between two bounds.
    /// - Parameters:
    ///   - low: lower bound.
    ///   - range: distance to the upper bound, positive.
    ///   - levels: number of levels, at least 2.
    ///   - step: the distance of neighbouring levels, when it is known more exactly than range / (levels − 1).
    public init(low: Scalar, range: Scalar, levels: Int, step: Scalar? = nil) {
      self.low = low
      self.range = range
      high = low + range
      reciprocalStep = Scalar(levels - 1) / range
      zeroPoint = (-low * reciprocalStep).rounded(.toNearestOrEven)
      self.step = step ?? range / Scalar(levels - 1)
      (origin, shift) = (low, zeroPoint)
    }

    /// The grid with a step that is a power of two.
    /// - Parameters:
    ///   - step: distance between neighbouring levels, a power of two.
    ///   - levelLow: the lowest code counted from zero, at most 0.
    ///   - levelHigh: the highest one, at least 1.
    public init(powerOfTwo step: Scalar, levelLow: Int, levelHigh: Int) {
      self.step = step
      low = Scalar(levelLow) * step
      high = Scalar(levelHigh) * step
      range = Scalar(levelHigh - levelLow) * step
      reciprocalStep = 1 / step
      zeroPoint = Scalar(-levelLow)
      (origin, shift) = (0, 0)
    }

    /// The code of `x` counted from zero: a whole number. NaN stays NaN.
    @inlinable
    public func code(_ x: Scalar) -> Scalar {
      let clamped = x > high ? high : x < low ? low : x
      return ((clamped - origin) * reciprocalStep - shift).rounded(.toNearestOrEven)
    }

    /// The nearest value on the grid, code(x) / k.
    @inlinable
    public func value(_ x: Scalar) -> Scalar { code(x) / reciprocalStep }
  }

  /// What is added to |scale| and |input_range| so that a grid never has range 0.
  public static let epsilon = 1e-16

  /// Exponents of steps that are powers of two. Products of two such steps, and what files store of them, stay exact.
  public static let stepExponents = -24...24

  /// What a raw parameter, the scale or the range of a grid, stands for: |p| + 1e-16, or exp(p) when it is held as its logarithm; with
  /// `hasPowerOfTwoStep` the upper bound of the grid whose step is the smallest power of two that reaches as far as |p| or exp(p).
  public func extent<Scalar: BinaryFloatingPoint>(of parameter: Scalar) -> Scalar {
    let learned = learnedExtent(of: parameter)
    guard hasPowerOfTwoStep else { return learned }
    return powerOfTwoStep(reaching: learned) * Scalar(levelHigh)
  }

  /// What a raw parameter stands for before a step is rounded to a power of two, to whose logarithm nothing need be added.
  private func learnedExtent<Scalar: BinaryFloatingPoint>(of parameter: Scalar) -> Scalar {
    isLogarithmic ? Scalar(exp(Double(parameter))) : hasPowerOfTwoStep ? abs(parameter) : abs(parameter) + Scalar(Self.epsilon)
  }

  /// The smallest power of two with levelHigh steps that reach `extent`, its exponent kept to `stepExponents`. What is not finite stays.
  private func powerOfTwoStep<Scalar: BinaryFloatingPoint>(reaching extent: Scalar) -> Scalar {
    guard extent.isFinite else { return extent }
    let codes = Scalar(levelHigh)
    var exponent = Self.stepExponents.lowerBound
    if extent > 0 {
      // extent / levelHigh = 2^(a − b) · m / n with 1 ≤ m, n < 2, compared without a division, which would round.
      let nearest = Int(extent.exponent) - Int(codes.exponent) + (extent.significand > codes.significand ? 1 : 0)
      exponent = Swift.min(Swift.max(nearest, exponent), Self.stepExponents.upperBound)
    }
    return Scalar(sign: .plus, exponent: Scalar.Exponent(exponent), significand: 1)
  }

  /// The slope of `extent(of:)`, times `gradientMultiplier`: what turns the gradient of the extent into that of the raw parameter.
  ///
  /// The rounding of a step's logarithm counts as the identity: d log₂(step) = d log₂(learned extent), so that the slope grows by the ratio of the two, which
  /// lies in 1..<2 but where exponents end. Source: Jain et al. 2019, equation 7.
  public func extentSlope<Scalar: BinaryFloatingPoint>(at parameter: Scalar) -> Scalar {
    let slope: Scalar = isLogarithmic ? Scalar(exp(Double(parameter))) : parameter > 0 ? 1 : parameter < 0 ? -1 : 0
    guard hasPowerOfTwoStep else { return slope * Scalar(gradientMultiplier) }
    let ratio = extent(of: parameter) / learnedExtent(of: parameter)
    return slope * (ratio > 2 ? 2 : ratio < 1 ? 1 : ratio) * Scalar(gradientMultiplier)
  }

  /// `extentSlope(at:)` compiled for Float.
  public func floatExtentSlope(at parameter: Float) -> Float { extentSlope(at: parameter) }

  /// The grid of a symmetric quantizer: its upper bound is the extent of `scale`, its lower bound that times levelLow / levelHigh.
  public func grid<Scalar: BinaryFloatingPoint & Sendable>(scale: Scalar) -> Grid<Scalar> {
    if hasPowerOfTwoStep {
      return Grid(powerOfTwo: powerOfTwoStep(reaching: learnedExtent(of: scale)), levelLow: levelLow, levelHigh: levelHigh)
    }
    let high = extent(of: scale)
    let low = high * Scalar(Double(levelLow) / Double(levelHigh))
    return Grid(low: low, range: high - low, levels: levels, step: high / Scalar(levelHigh))
  }

  /// The grid of an asymmetric quantizer: `inputLow` and the extent of `inputRange`, tuned.
  public func grid<Scalar: BinaryFloatingPoint & Sendable>(inputLow: Scalar, inputRange: Scalar) -> Grid<Scalar> {
    let (low, range) = Self.tuned(low: inputLow, range: extent(of: inputRange), levels: levels)
    return Grid(low: low, range: range, levels: levels)
  }

  /// `grid(scale:)` compiled for Float: other modules call it once a channel and step, where an unspecialised generic would be slow.
  public func floatGrid(scale: Float) -> Grid<Float> { grid(scale: scale) }

  /// `grid(inputLow:inputRange:)` compiled for Float, for the same reason.
  public func floatGrid(inputLow: Float, inputRange: Float) -> Grid<Float> { grid(inputLow: inputLow, inputRange: inputRange) }

  /// The grid for the parameters at `index` of each parameter list: [scale], or [input_low, input_range].
  /// - Precondition: as many lists as the mode has parameters, each with an element at `index`.
  public func grid<Scalar: BinaryFloatingPoint & Sendable>(parameters: [[Scalar]], at index: Int) -> Grid<Scalar> {
    switch mode {
    case .symmetric: grid(scale: parameters[0][index])
    case .asymmetric: grid(inputLow: parameters[0][index], inputRange: parameters[1][index])
    }
  }

  /// Moves one bound of a range outwards so that zero lies on one of `levels` levels, and widens the range to hold zero.
  ///
  /// With n = levels − 1 and z = rint(−low · n / (high − low)), the quotient taken as n times a rounded reciprocal: either the lower bound moves to
  /// z / (z − n) · high or the upper bound to (z − n) / z · low, whichever range is wider. Where z comes out as 0 or n although the bound there is
  /// not zero, that bound stays; zero is still mapped to zero by `Grid`. Source: NNCF's tuning of asymmetric ranges.
  public static func tuned<Scalar: BinaryFloatingPoint>(low: Scalar, range: Scalar, levels: Int) -> (low: Scalar, range: Scalar) {
    let last = Scalar(levels - 1)
    let high = Swift.max(range + low, 0)
    let low = Swift.min(low, 0)
    let zero = (-low * (1 / (high - low) * last)).rounded(.toNearestOrEven)
    let movedLow = zero < last ? zero / (zero - last) * high : low
    let movedHigh = zero > 0 ? (zero - last) / zero * low : high
    return high - movedLow > movedHigh - low ? (movedLow, high - movedLow) : (low, movedHigh - low)
  }
}
