import QATGraph
import RealModule

extension PRelu: ReferenceKernel {
  /// x, or slope · x where that is not above 0.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    return KernelResult([broadcast(x, operand(inputs, 1), x.shape) { $0 > 0 ? $0 : $1 * $0 }])
  }

  /// dx = dy or slope · dy; dslope = dy · x where x is not above 0, summed over the axes along which the slope was broadcast.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, slope) = (operand(inputs, 0), operand(inputs, 1))
    let slopes = broadcast(x, slope, x.shape) { $0 > 0 ? 1 : $1 }
    return [
      broadcast(slopes, outputGradients[0], x.shape) { $0 * $1 },
      summed(broadcast(x, outputGradients[0], x.shape) { $0 > 0 ? 0 : $0 * $1 }, to: slope.shape),
    ]
  }
}
