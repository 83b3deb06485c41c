import QATGraph

/// A fake quantizer of TensorFlow, with its ranges as TensorFlow nudges them.
///
/// With n = 2^bits − 1, or n − 1 for a narrow range: step = (max − min) / n; the zero-point is the lowest code − min / step, rounded and clamped to the codes; the
/// bounds move so that zero lies on the grid. Source: TensorFlow's FakeQuantWithMinMaxVars.
struct FileQuantizer: Equatable {
  /// Bit width, 2...8.
  var bits: Int
  /// Whether the lowest code is left out.
  var isNarrow: Bool
  /// Nudged lower bounds, one or one a channel.
  var lows: [Float] = []
  /// Nudged upper bounds.
  var highs: [Float] = []

  /// The number of sets of parameters.
  var count: Int { lows.count }

  /// A quantizer with ranges as the file gives them.
  /// - Returns: nil when a range is empty, infinite, or the counts differ.
  init?(bits: Int, isNarrow: Bool, minima: [Float], maxima: [Float]) {
    self.bits = bits
    self.isNarrow = isNarrow
    guard minima.count == maxima.count, !minima.isEmpty else { return nil }
    let lowest: Float = isNarrow ? 1 : 0
    let highest = Float(1 << bits) - 1
    for (minimum, maximum) in zip(minima, maxima) {
      let step = (maximum - minimum) / (highest - lowest)
      guard step.isNormal, step > 0, minimum.isFinite, maximum.isFinite else { return nil }
      let exact = lowest - minimum / step
      let zero = exact < lowest ? lowest : exact > highest ? highest : exact.rounded(.toNearestOrAwayFromZero)
      lows.append((lowest - zero) * step)
      highs.append((highest - zero) * step)
    }
  }

  /// The same quantizer here: its operator for channels on `axis`, and its parameters with the suffixes of their names.
  /// - Returns: nil when there is none: a narrow range that is not symmetric.
  func counterpart(axis: Int?) -> (op: FakeQuantize, parameters: [(suffix: String, values: [Float])])? {
    let levels = Float(1 << bits)
    if lows.allSatisfy({ $0 == 0 }), !isNarrow {
      return (FakeQuantize(mode: .symmetric(signed: false), bits: bits, channelAxis: axis), [("scale", highs)])
    }
    // −2^(b−1) : 2^(b−1) − 1, or with the narrow range equal on both sides.
    let ratio = isNarrow ? 1 : levels / (levels - 2)
    if zip(lows, highs).allSatisfy({ abs($0 + $1 * ratio) <= 1e-6 * $1 }) {
      return (FakeQuantize(mode: .symmetric(signed: true), bits: bits, narrowRange: isNarrow, channelAxis: axis), [("scale", highs)])
    }
    guard !isNarrow else { return nil }
    let ranges = zip(lows, highs).map { $1 - $0 }
    return (FakeQuantize(mode: .asymmetric, bits: bits, channelAxis: axis), [("input_low", lows), ("input_range", ranges)])
  }
}
