import QATGraph
import RealModule

extension Dropout: ReferenceKernel {
  /// Multiplies by the mask in training, returns the input otherwise.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    KernelResult([masked(operand(inputs, 0), context)])
  }

  /// Multiplies the gradient by the same mask.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    [masked(outputGradients[0], context)]
  }

  /// `array` times the mask, which is 0 or 1 / (1 − ratio) and is computed again whenever it is needed: element i of the global batch is kept when the
  /// i-th number of the node's stream is at least `ratio`.
  private func masked<S>(_ array: NDArray<S>, _ context: KernelContext) -> NDArray<S> {
    guard context.mode == .training, ratio > 0, !array.elements.isEmpty else { return array }
    let scale = 1 / (1 - S(ratio))
    let samples = array.shape.first ?? 1
    let first = context.firstSample * (array.count / samples)
    var result = array
    for index in result.elements.indices {
      let isKept = context.randomKey.uniform(at: first + index) >= ratio
      result.elements[index] = isKept ? result.elements[index] * scale : 0
    }
    return result
  }
}
