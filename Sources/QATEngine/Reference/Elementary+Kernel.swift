import QATGraph
import RealModule

extension Exp: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.exp(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { y }
}

extension Log: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.log(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 1 / x }
}

extension Sqrt: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.sqrt(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 1 / (2 * y) }
}

extension Reciprocal: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { 1 / x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { -y * y }
}

extension Neg: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { -x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { -1 }
}

extension Abs: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { abs(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > 0 ? 1 : x < 0 ? -1 : 0 }
}

extension Tanh: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.tanh(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 1 - y * y }
}

extension Erf: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.erf(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 2 / S.sqrt(S.pi) * S.exp(-x * x) }
}

extension Sin: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.sin(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { S.cos(x) }
}

extension Cos: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.cos(x) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { -S.sin(x) }
}

extension Floor: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x.rounded(.down) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 0 }
}

extension Ceil: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x.rounded(.up) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 0 }
}

extension Round: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x.rounded(.toNearestOrEven) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 0 }
}

extension Sign: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x > 0 ? 1 : x < 0 ? -1 : x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 0 }
}
