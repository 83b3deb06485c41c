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

  /// Where they are, whatever tensor they are of.
  var span: ONNXCodeSpan { ONNXCodeSpan(grid: grid, limits: limits) }
}

/// The grid of a tensor's codes and which of them occur.
struct ONNXCodeSpan: Equatable {
  var grid: ONNXGrid
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

  /// The width of the integer type; nil when it is neither 4 nor 8 bits.
  var bits: Int? { [4, 8].first { 1 << $0 == codes.count } }

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
  var quantizer: Quantizer? { symmetricQuantizer ?? unsignedQuantizer ?? asymmetricQuantizer }

  /// A symmetric quantizer has one zero-point, and its codes lie around it.
  private var symmetricQuantizer: Quantizer? {
    guard let codes = codesFromZero else { return nil }
    for bits in (2...8).reversed() {
      for narrow in [false, true] {
        for signed in [false, true] {
          let op = FakeQuantize(
            mode: .symmetric(signed: signed), bits: bits, narrowRange: narrow, channelAxis: grid.axis, hasPowerOfTwoStep: hasPowersOfTwo)
          if op.levelLow == codes.lowerBound, op.levelHigh == codes.upperBound {
            return Quantizer(op: op, parameters: [("scale", grid.scales.map(op.scale(forStep:)))])
          }
        }
      }
    }
    return nil
  }

  /// Codes from zero up to any limit, which a clip keeps.
  private var unsignedQuantizer: Quantizer? {
    guard let bits = grid.bits, let codes = codesFromZero, codes.lowerBound == 0, grid.axis == nil else { return nil }
    let op = FakeQuantize(mode: .symmetric(signed: false), bits: bits, hasPowerOfTwoStep: hasPowersOfTwo)
    return Quantizer(op: op, parameters: [("scale", grid.scales.map(op.scale(forStep:)))], clip: limits == grid.codes ? nil : limits)
  }

  /// Whether the grid's values are computed exactly: those of the fake quantizer are then the file's bit for bit.
  private var hasPowersOfTwo: Bool { grid.scales.allSatisfy(FakeQuantize.isStep) }

  /// A power of two of codes, zero on any of them; other limits need a clip in front of all codes of the type.
  private var asymmetricQuantizer: Quantizer? {
    guard let bits = grid.bits else { return nil }
    let fitting = grid.zeroPoints.allSatisfy(limits.contains) ? (2...8).first { 1 << $0 == limits.count } : nil
    let codes = fitting == nil ? grid.codes : limits
    if fitting == nil, grid.axis != nil { return nil }
    let op = FakeQuantize(mode: .asymmetric, bits: fitting ?? bits, channelAxis: grid.axis)
    let bounds = zip(grid.scales, grid.zeroPoints).map { op.bounds(forStep: $0, zeroPoint: $1 - codes.lowerBound) }
    return Quantizer(
      op: op, parameters: [("input_low", bounds.map(\.inputLow)), ("input_range", bounds.map(\.inputRange))], clip: fitting == nil ? limits : nil)
  }

  /// The codes relative to the zero-point, when there is one for all channels.
  private var codesFromZero: ClosedRange<Int>? {
    guard let zero = grid.zeroPoints.first, grid.zeroPoints.allSatisfy({ $0 == zero }) else { return nil }
    return (limits.lowerBound - zero)...(limits.upperBound - zero)
  }
}
