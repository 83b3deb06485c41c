import QATGraph
import QATTensor

/// What a QuantizeLinear makes of a tensor: q = saturate(rint(x / scale) + zeroPoint).
struct ONNXCodes {
  /// The tensor of the graph that is rounded.
  var source: TensorName
  /// Scale and zero-point.
  var grid: ONNXGrid
  /// The codes that a Clip of integers has left.
  var limits: ClosedRange<Int>
}

/// Scale and zero-point of a QuantizeLinear or DequantizeLinear: one of each, or one an index of `axis`.
struct ONNXGrid: Equatable {
  var scales: [Float]
  var zeroPoints: [Int]
  /// The axis with a scale an index; nil for one scale.
  var axis: Int?
  /// The codes of the integer type.
  var codes: ClosedRange<Int>

  /// The value of the code at `index`.
  func value(_ code: Int, at index: Int) -> Float {
    // Only int32 codes may need rounding, and they are converted before the product, as runtimes do it.
    Float(code - zeroPoints[index]) * scales[index]
  }
}

extension ONNXCodes {
  /// A fake quantizer with the same levels: its parameters, and the limits that a clip in front of it must keep.
  struct Quantizer {
    var op: FakeQuantize
    /// Values by the suffix of the parameter's name.
    var parameters: [(suffix: String, values: [Float])]
    /// Codes that the quantizer has and the file has not.
    var clip: ClosedRange<Int>?
  }

  /// The fake quantizer that rounds to these codes; nil when none does.
  var quantizer: Quantizer? {
    guard let zero = grid.zeroPoints.first, grid.zeroPoints.allSatisfy({ $0 == zero }) else { return nil }
    let relative = (limits.lowerBound - zero)...(limits.upperBound - zero)
    for bits in (2...8).reversed() {
      for narrow in [false, true] {
        for signed in [false, true] {
          let op = FakeQuantize(mode: .symmetric(signed: signed), bits: bits, narrowRange: narrow, channelAxis: grid.axis)
          if op.levelLow == relative.lowerBound, op.levelHigh == relative.upperBound {
            return Quantizer(op: op, parameters: [("scale", grid.scales.map { $0 * Float(op.levelHigh) })])
          }
        }
      }
    }
    let clip = limits == grid.codes ? nil : limits
    if relative.lowerBound == 0 {
      let op = FakeQuantize(mode: .symmetric(signed: false), channelAxis: grid.axis)
      return grid.axis == nil ? Quantizer(op: op, parameters: [("scale", grid.scales.map { $0 * 255 })], clip: clip) : nil
    }
    guard grid.codes.count == 256, clip == nil || grid.axis == nil else { return nil }
    // All 256 codes, zero on any of them.
    let lows = grid.scales.map { Float(grid.codes.lowerBound - zero) * $0 }
    return Quantizer(
      op: FakeQuantize(mode: .asymmetric, channelAxis: grid.axis), parameters: [("input_low", lows), ("input_range", grid.scales.map { $0 * 255 })],
      clip: clip)
  }
}
