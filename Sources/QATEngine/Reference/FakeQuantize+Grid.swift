import QATGraph
import RealModule

/// The grid that one set of quantizer parameters describes. Formulas: NNCF 2.14's quantizers, in the order of their floating-point operations, so that
/// Float gives their numbers exactly.
public struct QuantizationGrid<S: Real & BinaryFloatingPoint & Sendable>: Sendable, Hashable {
  /// The lowest value on the grid.
  public var low: S
  /// Distance of the highest value from the lowest.
  public var range: S
  /// The highest value: low + range.
  public var high: S
  /// Levels a unit: (levels − 1) / range.
  public var inverseStep: S
  /// The level of zero, counted from `low`.
  public var zeroPoint: S

  /// Keeps a scale or range of 0 from dividing by 0.
  static var guardTerm: S { 1e-16 }

  /// A grid from its lowest value and its range, which is positive.
  public init(low: S, range: S, levels: Int) {
    self.low = low
    self.range = range
    high = low + range
    inverseStep = S(levels - 1) / range
    zeroPoint = (-low * inverseStep).rounded(.toNearestOrEven)
  }

  /// The grid of a symmetric quantizer: up to |scale|, down to |scale| · levelLow / levelHigh.
  public init(scale: S, _ quantizer: FakeQuantize) {
    let bound = scale.magnitude + Self.guardTerm
    let low = bound * S(Double(quantizer.levelLow) / Double(quantizer.levelHigh))
    self.init(low: low, range: bound - low, levels: quantizer.levels)
  }

  /// The grid of an asymmetric quantizer: `inputLow` and |`inputRange`| moved so that zero is a level.
  public init(inputLow: S, inputRange: S, levels: Int) {
    let tuned = Self.tuned(low: inputLow, range: inputRange.magnitude + Self.guardTerm, levels: levels)
    self.init(low: tuned.low, range: tuned.range, levels: levels)
  }

  /// The value on the grid nearest to `x`, ties to the even level. Zero stays exactly zero, NaN stays NaN.
  public func quantized(_ x: S) -> S {
    let clamped = x < low ? low : (x > high ? high : x)
    return ((clamped - low) * inverseStep - zeroPoint).rounded(.toNearestOrEven) / inverseStep
  }

  /// A range widened to contain zero and then moved at one end so that zero falls on a level; of the two ways the wider range wins. With zero nearer
  /// to an end than half a level the bounds stay as they are.
  public static func tuned(low: S, range: S, levels: Int) -> (low: S, range: S) {
    let last = S(levels - 1)
    let high = S.maximum(low + range, 0)
    let low = S.minimum(low, 0)
    let zero = (-low * last / (high - low)).rounded(.toNearestOrEven)
    let movedLow = zero < last ? zero / (zero - last) * high : low
    let movedHigh = zero > 0 ? (zero - last) / zero * low : high
    return high - movedLow > movedHigh - low ? (movedLow, high - movedLow) : (low, movedHigh - low)
  }
}
