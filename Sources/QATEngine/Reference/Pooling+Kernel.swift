import QATGraph
import QATTensor
import RealModule

extension MaxPool: ReferenceKernel {
  /// The largest element under each window.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    var y = NDArray<S>(repeating: -.infinity, shape: outputShape(inputs))
    window.forEachPosition(image: x.shape, output: y.shape) { position in
      if let winner = maximum(x.elements, position) { y.elements[position.output] = x.elements[winner] }
    }
    return KernelResult([y])
  }

  /// The whole gradient goes to the first maximum of each window, row by row.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0)
    var dx = NDArray<S>(repeating: 0, shape: x.shape)
    window.forEachPosition(image: x.shape, output: outputGradients[0].shape) { position in
      if let winner = maximum(x.elements, position) { dx.elements[winner] += outputGradients[0].elements[position.output] }
    }
    return [dx]
  }

  /// Offset of the first largest element under the window, or of its first NaN; nil when the window sees only padding.
  private func maximum<S: Real>(_ x: [S], _ position: WindowPosition) -> Int? {
    var winner: Int?
    position.forEachElement { index in
      guard let current = winner else { return winner = index }
      if x[index] > x[current] || (x[index].isNaN && !x[current].isNaN) { winner = index }
    }
    return winner
  }
}

extension AveragePool: ReferenceKernel {
  /// The mean under each window.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    var y = NDArray<S>(repeating: 0, shape: outputShape(inputs))
    window.forEachPosition(image: x.shape, output: y.shape) { position in
      var sum: S = 0
      position.forEachElement { sum += x.elements[$0] }
      y.elements[position.output] = sum / S(divisor(position))
    }
    return KernelResult([y])
  }

  /// Shares the gradient of each window equally among its elements.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    var dx = NDArray<S>(repeating: 0, shape: operand(inputs, 0).shape)
    window.forEachPosition(image: dx.shape, output: outputGradients[0].shape) { position in
      let share = outputGradients[0].elements[position.output] / S(divisor(position))
      position.forEachElement { dx.elements[$0] += share }
    }
    return [dx]
  }

  /// What the sum under a window is divided by; never 0, so that a window over padding alone gives 0.
  private func divisor(_ position: WindowPosition) -> Int { max(1, countsPadding ? position.paddedCount : position.count) }
}

extension GlobalAveragePool: ReferenceKernel {
  /// The mean over axes 2 and 3.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> { mean.forward(inputs, context) }

  /// The gradient of that mean.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    mean.backward(inputs: inputs, outputs: outputs, outputGradients: outputGradients, context)
  }

  private var mean: ReduceMean { ReduceMean(axes: [2, 3]) }
}

/// A pooling window at one place of one plane.
private struct WindowPosition {
  /// Offset of the output element.
  var output: Int
  /// Offset of the image plane.
  var plane: Int
  var y: WindowAxis
  var x: WindowAxis
  var i: Int
  var j: Int

  /// Number of image elements under the window.
  var count: Int { y.tapsInside(i).count * x.tapsInside(j).count }
  /// Number of elements of the padded image under the window.
  var paddedCount: Int { y.tapsInsidePadded(i).count * x.tapsInsidePadded(j).count }

  /// Calls `body` with the offset of each image element under the window, row by row.
  @inline(__always)
  func forEachElement(_ body: (Int) -> Void) {
    for u in y.tapsInside(i) {
      for v in x.tapsInside(j) { body(plane + y.row(i, u) * x.size + x.row(j, v)) }
    }
  }
}

extension Window {
  /// Calls `body` for each element of an output [N, C, H', W'] with the window that makes it.
  @inline(__always)
  fileprivate func forEachPosition(image: [Int], output: [Int], _ body: (WindowPosition) -> Void) {
    let (y, x) = axes(image: image, output: output)
    for plane in 0..<output[0] * output[1] {
      for i in 0..<y.outputSize {
        for j in 0..<x.outputSize {
          let offset = (plane * y.outputSize + i) * x.outputSize + j
          body(WindowPosition(output: offset, plane: plane * y.size * x.size, y: y, x: x, i: i, j: j))
        }
      }
    }
  }
}
