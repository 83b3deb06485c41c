/// From the step of a grid, which files hold, back to a quantizer's parameters.
extension FakeQuantize {
  /// The scale of a symmetric quantizer whose grid has exactly this step; the nearest one where rounding leaves out the step.
  /// - Parameter step: distance between neighbouring levels; positive and normal.
  /// - Returns: the quantizer's parameter.
  public func scale(forStep step: Float) -> Float {
    Self.nearest(to: step * Float(levelHigh)) { grid(scale: $0).step == step }
  }

  /// The bounds of an asymmetric quantizer whose tuned grid has exactly this step and zero-point; the nearest ones where rounding leaves them out.
  /// - Parameters:
  ///   - step: distance between neighbouring levels; positive and normal.
  ///   - zeroPoint: number of the level that stands for zero, in 0..<levels.
  /// - Returns: the quantizer's parameters.
  public func bounds(forStep step: Float, zeroPoint: Int) -> (inputLow: Float, inputRange: Float) {
    let low = -Float(zeroPoint) * step
    let range = Self.nearest(to: step * Float(levels - 1)) { range in
      let grid: Grid<Float> = grid(inputLow: low, inputRange: range)
      return grid.step == step && grid.zeroPoint == Float(zeroPoint)
    }
    return (low, range)
  }

  /// Whether `step` is one of those that quantizers with `hasPowerOfTwoStep` have.
  public static func isStep(_ step: Float) -> Bool {
    step.isNormal && step.significand == 1 && step > 0 && stepExponents.contains(Int(step.exponent))
  }

  /// A step that a scale has, and so one that a file's reader finds again: the given one or its neighbour.
  public func representable(step: Float) -> Float { grid(scale: step * Float(levelHigh)).step }

  /// The quantizer as which int8 weights are read from a file: their scales are steps that it has, so that reading and writing a file changes nothing.
  private static let bytes = FakeQuantize(mode: .symmetric(signed: true), narrowRange: true)
  /// The one as which weights of four bits are read.
  private static let halves = FakeQuantize(mode: .symmetric(signed: true), bits: 4, narrowRange: true)

  /// The step next to `exact` that the quantizers have as which files store a weight of `bits` bits; `exact` itself where it is a power of two.
  public static func storedStep(_ exact: Float, bits: Int) -> Float {
    var step = bytes.representable(step: exact)
    // Every eighth step or so is none of the other quantizer's.
    for _ in 0..<16 where bits <= 4 && halves.representable(step: step) != step { step = bytes.representable(step: step.nextUp) }
    return step
  }

  /// `guess` or the first of its neighbours that fits; `guess` when none of them does.
  private static func nearest(to guess: Float, _ fits: (Float) -> Bool) -> Float {
    var (below, above) = (guess, guess)
    for _ in 0..<16 {
      if fits(below) { return below }
      if fits(above) { return above }
      (below, above) = (below.nextDown, above.nextUp)
    }
    return guess
  }
}
