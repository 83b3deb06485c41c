import QATGraph
import RealModule

// Comparisons are written so that a NaN stays one.

extension Elu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x > 0 ? x : S(alpha) * S.expMinusOne(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > 0 ? 1 : y + S(alpha) }
}

extension Selu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S(gamma) * (x > 0 ? x : S(alpha) * S.expMinusOne(x)) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { S(gamma) * (x > 0 ? 1 : S(alpha) * S.exp(x)) }
}

extension Celu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x > 0 ? x : S(alpha) * S.expMinusOne(x / S(alpha)) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > 0 ? 1 : S.exp(x / S(alpha)) }
}

extension ThresholdedRelu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x <= S(alpha) ? 0 : x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > S(alpha) ? 1 : 0 }
}

extension HardSigmoid: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S {
    let line = S(alpha) * x + S(beta)
    if line < 0 { return 0 }
    return line > 1 ? 1 : line
  }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { y > 0 && y < 1 ? S(alpha) : 0 }
}
