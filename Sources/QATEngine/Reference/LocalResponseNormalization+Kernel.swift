import QATGraph
import QATTensor
import RealModule

extension LocalResponseNormalization: ReferenceKernel {
  /// x · base^−beta with base = bias + alpha / size · Σ x² over the neighbouring channels.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    return KernelResult([broadcast(x, bases(x), x.shape) { $0 * S.pow($1, -S(beta)) }])
  }

  /// dx[c] = dy[c] · base[c]^−beta − 2 alpha beta / size · x[c] · Σ dy[k] · x[k] · base[k]^(−beta − 1) over the channels k that see c.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, dy) = (operand(inputs, 0), outputGradients[0])
    let bases = bases(x)
    var dx = broadcast(dy, bases, x.shape) { $0 * S.pow($1, -S(beta)) }
    let factor = 2 * S(alpha) * S(beta) / S(size)
    forEachPair(x.shape) { index, neighbour in
      let push = dy.elements[index] * x.elements[index] * S.pow(bases.elements[index], -S(beta) - 1)
      dx.elements[neighbour] -= factor * x.elements[neighbour] * push
    }
    return [dx]
  }

  private func bases<S>(_ x: NDArray<S>) -> NDArray<S> {
    var result = NDArray(repeating: S(bias), shape: x.shape)
    forEachPair(x.shape) { result.elements[$0] += S(alpha) / S(size) * x.elements[$1] * x.elements[$1] }
    return result
  }

  /// Calls `body` with each element and each element of the channels around it: ⌊(size − 1) / 2⌋ before and the rest behind it.
  private func forEachPair(_ shape: [Int], _ body: (_ index: Int, _ neighbour: Int) -> Void) {
    let positions = Array(shape[2...]).elementCount
    let channels = shape[1]
    // A window wider than the tensor is the whole tensor; clamping it first keeps sums of attributes from overflowing.
    let before = min((size - 1) / 2, channels)
    let behind = min(size - 1 - (size - 1) / 2, channels)
    for sample in 0..<shape[0] {
      for channel in 0..<channels {
        for other in max(0, channel - before)...min(channels - 1, channel + behind) {
          let (start, neighbours) = ((sample * channels + channel) * positions, (sample * channels + other) * positions)
          for position in 0..<positions { body(start + position, neighbours + position) }
        }
      }
    }
  }
}
