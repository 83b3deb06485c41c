import QATGraph
import QATTensor
import RealModule

extension Softmax: ReferenceKernel {
  /// Exponentials of each line along the axis, divided by their sum.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    var y = operand(inputs, 0)
    forEachLine(y.shape) { line in
      // Subtracting the largest element changes nothing but keeps exp from overflowing.
      var largest = -S.infinity
      for index in line { largest = S.maximum(largest, y.elements[index]) }
      var sum: S = 0
      for index in line {
        y.elements[index] = S.exp(y.elements[index] - largest)
        sum += y.elements[index]
      }
      for index in line { y.elements[index] /= sum }
    }
    return KernelResult([y])
  }

  /// dx = y · (dy − Σ dy · y).
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let y = outputs[0].elements
    var gradient = outputGradients[0]
    forEachLine(gradient.shape) { line in
      var dot: S = 0
      for index in line { dot += gradient.elements[index] * y[index] }
      for index in line { gradient.elements[index] = y[index] * (gradient.elements[index] - dot) }
    }
    return [gradient]
  }
}

extension LogSoftmax: ReferenceKernel {
  /// Each line along the axis less the logarithm of the sum of its exponentials.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    var y = operand(inputs, 0)
    forEachLine(y.shape) { line in
      let values = line.map { y.elements[$0] }
      // Two subtractions: next to a large maximum the logarithm of the sum would lose its digits.
      let largest = ReduceMax(axes: []).value(values)
      let rest = ReduceLogSumExp(axes: []).value(values.map { $0 - largest })
      for index in line { y.elements[index] = y.elements[index] - largest - rest }
    }
    return KernelResult([y])
  }

  /// dx = dy − exp(y) · Σ dy.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let y = outputs[0].elements
    var gradient = outputGradients[0]
    forEachLine(gradient.shape) { line in
      var sum: S = 0
      for index in line { sum += gradient.elements[index] }
      for index in line { gradient.elements[index] -= S.exp(y[index]) * sum }
    }
    return [gradient]
  }
}

extension LineOperator {
  /// Calls `body` with the indices of each line of elements along the axis.
  fileprivate func forEachLine(_ shape: [Int], _ body: (StrideTo<Int>) -> Void) {
    let axis = axis < 0 ? axis + shape.count : axis
    let inner = Array(shape[(axis + 1)...]).elementCount
    let length = shape[axis] * inner
    for outer in 0..<Array(shape[..<axis]).elementCount {
      for offset in 0..<inner {
        let start = outer * length + offset
        body(stride(from: start, to: start + length, by: inner))
      }
    }
  }
}
