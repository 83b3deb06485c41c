/// How the values of an activation tensor are stored as bytes: value = (code − zeroPoint) · scale.
///
/// Codes are unsigned, because u8 activations with s8 weights are the form that runtimes have integer kernels for. A signed symmetric 8-bit grid has
/// the zero-point 128. A tensor that is never negative has the zero-point 0 whatever its quantizer's: codes below zero never occur, so the others are
/// counted from zero, and a runtime can then leave out the ReLU in front of the quantizer.
public struct ActivationCodes: Sendable, Hashable {
  /// Distance between neighbouring levels. Positive and normal.
  public var scale: Float
  /// The code that stands for zero, in 0...255.
  public var zeroPoint: Int
  /// The codes in use, within 0...255; values beyond saturate. All 256 for an ordinary 8-bit quantizer.
  public var range: ClosedRange<Int>

  /// A code.
  public init(scale: Float, zeroPoint: Int, range: ClosedRange<Int> = 0...255) {
    self.scale = scale
    self.zeroPoint = zeroPoint
    self.range = range
  }

  /// Whether a byte's own saturation is all the saturation there is.
  public var usesWholeByte: Bool { range == 0...255 }

  /// The code of `x`: rint(x / scale) + zeroPoint, saturated, as ONNX's QuantizeLinear computes it.
  public func code(_ x: Float) -> Int {
    let rounded = (x / scale).rounded(.toNearestOrEven) + Float(zeroPoint)
    return Int(Swift.min(Swift.max(rounded, Float(range.lowerBound)), Float(range.upperBound)))
  }

  /// The codes of the same grid when no value is negative.
  var withoutNegatives: ActivationCodes {
    ActivationCodes(scale: scale, zeroPoint: 0, range: 0...Swift.max(range.upperBound - zeroPoint, 0))
  }
}
