import QATGraph
import QATTensor
import RealModule

extension MaxPool: ReferenceKernel {
  /// The largest element under each window.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    var y = NDArray<S>(repeating: -.infinity, shape: outputShape(inputs))
    var winners = NDArray<S>(repeating: 0, shape: places == nil ? [0] : y.shape)
    window.forEachPosition(image: x.shape, output: y.shape) { position in
      guard let winner = maximum(x.elements, position) else { return }
      y.elements[position.output] = x.elements[winner]
      if let places { winners.elements[position.output] = S(places.count(winner, x.shape)) }
    }
    return KernelResult(places == nil ? [y] : [y, winners])
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

extension MaxPool.Places {
  /// How many elements stand before the one at `offset` of an array of `shape`.
  fileprivate func count(_ offset: Int, _ shape: [Int]) -> Int {
    guard self == .columnMajor else { return offset }
    let plane = Array(shape[2...]).elementCount
    var (rest, place, stride) = (offset % plane, 0, plane)
    for size in shape[2...].reversed() {
      stride /= size
      place += rest % size * stride
      rest /= size
    }
    return offset - offset % plane + place
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

extension LpPool: ReferenceKernel {
  /// The norm of the elements under each window.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    var y = NDArray<S>(repeating: 0, shape: outputShape(inputs))
    window.forEachPosition(image: x.shape, output: y.shape) { position in
      var sum: S = 0
      position.forEachElement { sum += S.pow(abs(x.elements[$0]), p) }
      y.elements[position.output] = S.root(sum, p)
    }
    return KernelResult([y])
  }

  /// dx = dy · sign(x) · (|x| / y)ᵖ⁻¹ for each window; 0 where the norm is 0.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0)
    var dx = NDArray<S>(repeating: 0, shape: x.shape)
    window.forEachPosition(image: x.shape, output: outputs[0].shape) { position in
      let norm = outputs[0].elements[position.output]
      guard norm != 0 else { return }
      position.forEachElement { index in
        let slope = S.pow(abs(x.elements[index]) / norm, p - 1)
        dx.elements[index] += outputGradients[0].elements[position.output] * (x.elements[index] < 0 ? -slope : slope)
      }
    }
    return [dx]
  }
}

extension GlobalAveragePool: ReferenceKernel {
  /// The mean over all axes behind the channels.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    mean(operand(inputs, 0)).forward(inputs, context)
  }

  /// The gradient of that mean.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    mean(operand(inputs, 0)).backward(inputs: inputs, outputs: outputs, outputGradients: outputGradients, context)
  }

  private func mean<S>(_ x: NDArray<S>) -> ReduceMean { ReduceMean(axes: Array(2..<x.shape.count)) }
}

extension GlobalMaxPool: ReferenceKernel {
  /// The largest element of each channel.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    pooling(operand(inputs, 0)).forward(inputs, context)
  }

  /// The whole gradient goes to the first maximum.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    pooling(operand(inputs, 0)).backward(inputs: inputs, outputs: outputs, outputGradients: outputGradients, context)
  }

  private func pooling<S>(_ x: NDArray<S>) -> MaxPool { MaxPool(window: Window(kernel: Array(x.shape[2...]))) }
}

/// A pooling window at one place of one plane.
private struct WindowPosition {
  /// Offset of the output element.
  var output: Int
  /// Offset of the image plane.
  var plane: Int
  var axes: WindowAxes
  var k: Int
  var i: Int
  var j: Int

  /// Number of image elements under the window.
  var count: Int { axes.z.tapsInside(k).count * axes.y.tapsInside(i).count * axes.x.tapsInside(j).count }
  /// Number of elements of the padded image under the window.
  var paddedCount: Int { axes.z.tapsInsidePadded(k).count * axes.y.tapsInsidePadded(i).count * axes.x.tapsInsidePadded(j).count }

  /// Calls `body` with the offset of each image element under the window, row by row.
  @inline(__always)
  func forEachElement(_ body: (Int) -> Void) {
    for t in axes.z.tapsInside(k) {
      for u in axes.y.tapsInside(i) {
        let row = plane + (axes.z.row(k, t) * axes.y.size + axes.y.row(i, u)) * axes.x.size
        for v in axes.x.tapsInside(j) { body(row + axes.x.row(j, v)) }
      }
    }
  }
}

extension Window {
  /// Calls `body` for each element of an output [N, C, H', W'] with the window that makes it.
  @inline(__always)
  fileprivate func forEachPosition(image: [Int], output: [Int], _ body: (WindowPosition) -> Void) {
    let axes = WindowAxes(self, image: image, output: output)
    var offset = 0
    for plane in 0..<output[0] * output[1] {
      for k in 0..<axes.z.outputSize {
        for i in 0..<axes.y.outputSize {
          for j in 0..<axes.x.outputSize {
            body(WindowPosition(output: offset, plane: plane * axes.imagePlane, axes: axes, k: k, i: i, j: j))
            offset += 1
          }
        }
      }
    }
  }
}
