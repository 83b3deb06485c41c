import QATGraph
import RealModule

/// An elementwise operator given by its function and derivative.
protocol PointwiseKernel: ReferenceKernel, ElementwiseOperator {
  /// The output element for an input element.
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S
  /// The derivative at input `x`, whose output is `y`.
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S
}

extension PointwiseKernel {
  /// Applies the function to each element.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([operand(inputs, 0).map { value($0) }])
  }

  /// Multiplies each element of the gradient by the derivative.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0).elements
    let y = outputs[0].elements
    var gradient = outputGradients[0]
    for index in x.indices { gradient.elements[index] *= slope(x[index], y[index]) }
    return [gradient]
  }
}

// Comparisons are written so that a NaN stays one: hiding it would hide where a run went wrong.

extension Relu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x < 0 ? 0 : x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > 0 ? 1 : 0 }
}

extension Clip: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S {
    if x < S(lower) { return S(lower) }
    return x > S(upper) ? S(upper) : x
  }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > S(lower) && x < S(upper) ? 1 : 0 }
}

extension LeakyRelu: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x > 0 ? x : S(alpha) * x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { x > 0 ? 1 : S(alpha) }
}

extension Sigmoid: PointwiseKernel {
  // exp of a positive number could overflow; both forms are the same function.
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S {
    if x < 0 {
      let e = S.exp(x)
      return e / (1 + e)
    }
    return 1 / (1 + S.exp(-x))
  }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { y * (1 - y) }
}

extension HardSwish: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S {
    if x <= -3 { return 0 }
    return x >= 3 ? x : x * (x + 3) / 6
  }

  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    if x <= -3 { return 0 }
    return x >= 3 ? 1 : (2 * x + 3) / 6
  }
}

extension Identity: PointwiseKernel {
  func value<S: Real & BinaryFloatingPoint>(_ x: S) -> S { x }
  func slope<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S { 1 }
}
