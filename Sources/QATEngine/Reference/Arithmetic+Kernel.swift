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

extension ReduceMean: ReferenceKernel {
  /// The mean over the axes; sums are in Double.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let kept = keptShape(x.shape)
    let divisor = S(max(1, x.count / max(1, kept.elementCount)))
    return KernelResult([summed(x, to: kept).map { $0 / divisor }.reshaped(outputShape(inputs))])
  }

  /// Shares the gradient equally among the averaged elements.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let shape = operand(inputs, 0).shape
    let kept = keptShape(shape)
    let share = outputGradients[0].reshaped(kept).map { $0 / S(max(1, shape.elementCount / max(1, kept.elementCount))) }
    return [broadcast(share, NDArray(repeating: 0, shape: shape), shape) { mean, _ in mean }]
  }

  /// The output's shape with the averaged axes at size 1.
  private func keptShape(_ shape: [Int]) -> [Int] {
    let axes = axes.isEmpty ? Set(shape.indices) : Set(axes.map { $0 < 0 ? $0 + shape.count : $0 })
    return shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
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
