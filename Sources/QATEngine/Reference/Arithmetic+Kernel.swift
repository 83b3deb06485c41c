import QATGraph
import QATTensor
import RealModule

extension Add: ReferenceKernel {
  /// a + b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { $0 + $1 }])
  }

  /// The gradient, summed over the axes along which an input was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    inputs.map { $0.map { summed(outputGradients[0], to: $0.shape) } }
  }
}

extension Mul: ReferenceKernel {
  /// a · b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { $0 * $1 }])
  }

  /// The gradient times the other input, summed over the axes along which an input was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let a = operand(inputs, 0)
    let b = operand(inputs, 1)
    let gradient = outputGradients[0]
    return [
      summed(broadcast(gradient, b, gradient.shape) { $0 * $1 }, to: a.shape),
      summed(broadcast(gradient, a, gradient.shape) { $0 * $1 }, to: b.shape),
    ]
  }
}

extension Sub: ReferenceKernel {
  /// a − b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { $0 - $1 }])
  }

  /// The gradient and its opposite, summed over the axes along which an input was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [summed(outputGradients[0], to: operand(inputs, 0).shape), summed(outputGradients[0].map { -$0 }, to: operand(inputs, 1).shape)]
  }
}

extension Div: ReferenceKernel {
  /// a / b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { $0 / $1 }])
  }

  /// da = dy / b, db = −dy · y / b, summed over the axes along which an input was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let b = operand(inputs, 1)
    let dA = broadcast(outputGradients[0], b, outputs[0].shape) { $0 / $1 }
    let dB = broadcast(dA, outputs[0], outputs[0].shape) { -$0 * $1 }
    return [summed(dA, to: operand(inputs, 0).shape), summed(dB, to: b.shape)]
  }
}

extension Pow: ReferenceKernel {
  /// a to the power of b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { power($0, $1) }])
  }

  /// da = dy · b · a to the power of b − 1, db = dy · y · log(a), where 0 to a positive power does not depend on it.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (a, b) = (operand(inputs, 0), operand(inputs, 1))
    let (dy, y) = (outputGradients[0], outputs[0])
    let slopes = broadcast(a, b, y.shape) { $1 == 0 ? 0 : $1 * power($0, $1 - 1) }
    let growth = broadcast(y, a, y.shape) { $1 == 0 ? 0 : $0 * S.log($1) }
    return [
      summed(broadcast(dy, slopes, y.shape) { $0 * $1 }, to: a.shape), summed(broadcast(dy, growth, y.shape) { $0 * $1 }, to: b.shape),
    ]
  }

  /// The library's power of a negative number is not a number even where it is one.
  private func power<S: Real & BinaryFloatingPoint>(_ x: S, _ y: S) -> S {
    if let whole = Int(exactly: y) { return S.pow(x, whole) }
    return S.pow(x, y)
  }
}

extension Mod: ReferenceKernel {
  /// a less the whole multiples of b, broadcast.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([broadcast(operand(inputs, 0), operand(inputs, 1), outputShape(inputs)) { remainder($0, $1) }])
  }

  /// da = dy, db = −dy times the whole quotient, summed over the axes along which an input was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (a, b, dy) = (operand(inputs, 0), operand(inputs, 1), outputGradients[0])
    let quotients = broadcast(a, b, dy.shape) { (($0 - remainder($0, $1)) / $1).rounded() }
    return [summed(dy, to: a.shape), summed(broadcast(dy, quotients, dy.shape) { -$0 * $1 }, to: b.shape)]
  }

  private func remainder<S: Real & BinaryFloatingPoint>(_ a: S, _ b: S) -> S {
    let rest = a.truncatingRemainder(dividingBy: b)
    return roundsDown && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }
}

/// `combine` of each pair of elements of `a` and `b`, both broadcast to `shape`.
func broadcast<S>(_ a: NDArray<S>, _ b: NDArray<S>, _ shape: [Int], _ combine: (S, S) -> S) -> NDArray<S> {
  var result = NDArray<S>(repeating: 0, shape: shape)
  if a.shape == shape, b.shape == shape {
    for index in result.elements.indices { result.elements[index] = combine(a.elements[index], b.elements[index]) }
    return result
  }
  let fromA = stridedOffsets(shape: shape, strides: broadcastStrides(a.shape, to: shape))
  let fromB = stridedOffsets(shape: shape, strides: broadcastStrides(b.shape, to: shape))
  for index in result.elements.indices { result.elements[index] = combine(a.elements[fromA[index]], b.elements[fromB[index]]) }
  return result
}

/// `array` summed over the axes that `shape` lacks or has at size 1: the gradient of broadcasting from `shape`. Sums are in Double.
func summed<S>(_ array: NDArray<S>, to shape: [Int]) -> NDArray<S> {
  if array.shape == shape { return array }
  var sums = [Double](repeating: 0, count: shape.elementCount)
  let offsets = stridedOffsets(shape: array.shape, strides: broadcastStrides(shape, to: array.shape))
  for (index, offset) in offsets.enumerated() { sums[offset] += Double(array.elements[index]) }
  return NDArray(sums.map { S($0) }, shape: shape)
}
