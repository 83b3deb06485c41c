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

  /// A step that a scale has, and so one that a file's reader finds again: the given one or its neighbour.
  public func representable(step: Float) -> Float { grid(scale: step * Float(levelHigh)).step }

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
