import QATGraph
import RealModule

extension Max: ReferenceKernel {
  /// The largest of the inputs, broadcast; a NaN wins.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([folded(inputs) { $0 >= $1 || $0.isNaN ? $0 : $1 }])
  }

  /// The gradient goes to the largest inputs, in equal parts.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    sharesOfWinners(inputs, outputs[0], outputGradients[0])
  }
}

extension Min: ReferenceKernel {
  /// The smallest of the inputs, broadcast; a NaN wins.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([folded(inputs) { $0 <= $1 || $0.isNaN ? $0 : $1 }])
  }

  /// The gradient goes to the smallest inputs, in equal parts.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    sharesOfWinners(inputs, outputs[0], outputGradients[0])
  }
}

extension Mean: ReferenceKernel {
  /// The sum of the inputs, broadcast, divided by their number.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([folded(inputs) { $0 + $1 }.map { $0 / S(inputs.count) }])
  }

  /// An equal share for each input.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let share = outputGradients[0].map { $0 / S(inputs.count) }
    return inputs.indices.map { summed(share, to: operand(inputs, $0).shape) }
  }
}

extension ReferenceKernel where Self: VariadicOperator {
  /// The inputs, broadcast to the output's shape and combined one after the other.
  fileprivate func folded<S>(_ inputs: [NDArray<S>?], _ combine: (S, S) -> S) -> NDArray<S> {
    let shape = outputShape(inputs)
    var result = broadcast(operand(inputs, 0), NDArray(repeating: 0, shape: shape), shape) { first, _ in first }
    for index in inputs.indices.dropFirst() { result = broadcast(result, operand(inputs, index), shape, combine) }
    return result
  }

  /// For each input the gradient where it equals the output, divided by how many inputs do.
  fileprivate func sharesOfWinners<S>(_ inputs: [NDArray<S>?], _ y: NDArray<S>, _ dy: NDArray<S>) -> [NDArray<S>?] {
    let wins = inputs.indices.map { broadcast(operand(inputs, $0), y, y.shape) { $0 == $1 ? S(1) : 0 } }
    let counts = wins.dropFirst().reduce(wins[0]) { broadcast($0, $1, y.shape) { $0 + $1 } }
    let shares = broadcast(dy, counts, y.shape) { $0 / Swift.max($1, 1) }
    return inputs.indices.map { index in summed(broadcast(wins[index], shares, y.shape) { $0 * $1 }, to: operand(inputs, index).shape) }
  }
}
