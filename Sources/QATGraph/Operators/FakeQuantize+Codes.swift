/// Whole constants on the grid of their quantizer.
extension FakeQuantize {
  /// The codes of a constant, counted from zero, as training multiplies by them: limited where neighbours meet in 16 bits.
  /// - Parameters:
  ///   - values: the constant's elements, row-major.
  ///   - shape: its shape, which the quantizer's axes fit.
  ///   - grids: one grid, or one an index of `channelAxis`.
  /// - Returns: whole numbers.
  public func codes<Scalar>(of values: [Scalar], shape: [Int], _ grids: [Grid<Scalar>]) -> [Scalar] {
    var codes = values
    forEachRun(shape) { channel, run in
      let grid = grids[channel % grids.count]
      for index in run { codes[index] = grid.code(values[index]) }
    }
    pairing?.limit(&codes, shape: shape)
    return codes
  }

  /// The values that the codes of a constant stand for, code / k.
  public func quantized<Scalar>(_ values: [Scalar], shape: [Int], _ grids: [Grid<Scalar>]) -> [Scalar] {
    var result = codes(of: values, shape: shape, grids)
    forEachRun(shape) { channel, run in
      let step = grids[channel % grids.count].reciprocalStep
      for index in run { result[index] /= step }
    }
    return result
  }

  /// Calls `body` with the runs of neighbouring elements that use the same grid, in memory order.
  /// - Parameters:
  ///   - shape: the shape of x, which the channel axis fits.
  ///   - body: takes the index of the grid and the offsets.
  public func forEachRun(_ shape: [Int], _ body: (_ channel: Int, _ run: Range<Int>) -> Void) {
    let count = shape.reduce(1, *)
    guard let channelAxis else { return body(0, 0..<count) }
    let axis = channelAxis < 0 ? channelAxis + shape.count : channelAxis
    let inner = shape[(axis + 1)...].reduce(1, *)
    guard inner > 0 else { return }
    for (index, start) in stride(from: 0, to: count, by: inner).enumerated() { body(index % shape[axis], start..<start + inner) }
  }
}
