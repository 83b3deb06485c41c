import QATGraph
import RealModule

extension Gelu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S {
    switch approximation {
    // erfc keeps its precision where 1 + erf would cancel.
    case .none: x * S.erfc(-x * S.sqrt(0.5)) / 2
    case .tanh: x * (1 + S.tanh(argument(x))) / 2
    }
  }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    switch approximation {
    case .none: return S.erfc(-x * S.sqrt(0.5)) / 2 + x * S.exp(-x * x / 2) / S.sqrt(2 * S.pi)
    case .tanh:
      let t = S.tanh(argument(x))
      let inner = S.sqrt(2 / S.pi) * (1 + 3 * S(0.044715) * x * x)
      return (1 + t) / 2 + x * (1 - t * t) * inner / 2
    }
  }

  private func argument<S: Real & BinaryFloatingPoint>(_ x: S) -> S { S.sqrt(2 / S.pi) * (x + S(0.044715) * x * x * x) }
}

extension Swish: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x * Sigmoid().value(S(alpha) * x) }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    let s = Sigmoid().value(S(alpha) * x)
    return s + S(alpha) * x * s * (1 - s)
  }
}

extension Mish: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x * S.tanh(Softplus().value(x)) }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    let t = S.tanh(Softplus().value(x))
    return t + x * (1 - t * t) * Sigmoid().value(x)
  }
}

extension Softplus: PointwiseKernel {
  // exp of a large number would overflow; both forms are the same function.
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x > 0 ? x + S.log(onePlus: S.exp(-x)) : S.log(onePlus: S.exp(x)) }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { Sigmoid().value(x) }
}

extension Softsign: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x / (1 + abs(x)) }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    let d = 1 + abs(x)
    return 1 / (d * d)
  }
}
