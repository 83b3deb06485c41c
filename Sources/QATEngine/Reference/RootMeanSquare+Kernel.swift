import QATGraph
import QATTensor
import RealModule

extension RMSNormalization: ReferenceKernel {
  /// Divides by the root of the mean square and scales.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    return KernelResult([broadcast(normalized(x).values, operand(inputs, 1), x.shape) { $0 * $1 }])
  }

  /// With x̂ the normalised x and g = dy · scale: dx = (g − x̂ · mean(g · x̂)) / √(mean(x²) + epsilon) for each run; dscale = dy · x̂, summed.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, scale, dy) = (operand(inputs, 0), operand(inputs, 1), outputGradients[0])
    let (values, inverseRoots) = normalized(x)
    var dx = broadcast(dy, scale, x.shape) { $0 * $1 }
    let length = runLength(x.shape)
    for (run, inverse) in inverseRoots.enumerated() {
      let range = run * length..<(run + 1) * length
      let share = S(range.reduce(0.0) { $0 + Double(dx.elements[$1]) * Double(values.elements[$1]) } / Double(length))
      for index in range { dx.elements[index] = (dx.elements[index] - values.elements[index] * share) * inverse }
    }
    return [dx, summed(broadcast(dy, values, x.shape) { $0 * $1 }, to: scale.shape)]
  }

  private func runLength(_ shape: [Int]) -> Int { Array(shape.suffix(axisCount)).elementCount }

  /// x divided by √(mean(x²) + epsilon), and the inverse of that root for each run. Sums are in Double.
  private func normalized<S>(_ x: NDArray<S>) -> (values: NDArray<S>, inverseRoots: [S]) {
    var values = x
    var inverseRoots: [S] = []
    let length = runLength(x.shape)
    for start in stride(from: 0, to: x.count, by: length) {
      let range = start..<start + length
      let square = range.reduce(0.0) { $0 + Double(x.elements[$1]) * Double(x.elements[$1]) } / Double(length)
      let inverse = S(1 / (square + Double(epsilon)).squareRoot())
      for index in range { values.elements[index] *= inverse }
      inverseRoots.append(inverse)
    }
    return (values, inverseRoots)
  }
}
