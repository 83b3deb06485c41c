import QATGraph
import RealModule

extension Convolution: ReferenceKernel {
  /// y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c of o's group, i · stride + u · dilation − pad, ...].
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let weight = operand(inputs, 1)
    let shape = outputShape(inputs)
    var y = NDArray<S>(repeating: 0, shape: shape)
    if inputs.count > 2, let bias = inputs[2] { y = broadcast(y, bias.reshaped([1, bias.count, 1, 1]), shape) { $0 + $1 } }
    y.elements.withUnsafeMutableBufferPointer { y in
      x.elements.withUnsafeBufferPointer { x in
        forEachTap(image: inputs[0]?.shape ?? [], output: shape) { tap in
          let w = weight.elements[tap.weight]
          tap.forEachRow { imageStart, outputStart in
            for index in 0..<tap.count { y[outputStart + index] += w * x[imageStart + index * tap.stride] }
          }
        }
      }
    }
    return KernelResult([y])
  }

  /// dx gathers weight · dy, dweight gathers x · dy over the same pairs of elements; dbias is dy summed over samples and positions.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let x = operand(inputs, 0)
    let weight = operand(inputs, 1)
    let gradient = outputGradients[0]
    var dx = NDArray<S>(repeating: 0, shape: x.shape)
    var dWeight = [Double](repeating: 0, count: weight.count)
    dx.elements.withUnsafeMutableBufferPointer { dx in
      x.elements.withUnsafeBufferPointer { x in
        gradient.elements.withUnsafeBufferPointer { dy in
          forEachTap(image: inputs[0]?.shape ?? [], output: gradient.shape) { tap in
            let w = weight.elements[tap.weight]
            var sum: S = 0
            tap.forEachRow { imageStart, outputStart in
              for index in 0..<tap.count {
                let g = dy[outputStart + index]
                dx[imageStart + index * tap.stride] += w * g
                sum += x[imageStart + index * tap.stride] * g
              }
            }
            dWeight[tap.weight] += Double(sum)
          }
        }
      }
    }
    var result: [NDArray<S>?] = [dx, NDArray(dWeight.map { S($0) }, shape: weight.shape)]
    if inputs.count > 2 { result.append(inputs[2].map { bias in summed(gradient, to: [1, bias.count, 1, 1]).reshaped(bias.shape) }) }
    return result
  }

  /// One weight element at work on one sample: it connects rows of one image plane with rows of one output plane.
  private struct Tap {
    /// Offset of the weight element.
    var weight: Int
    /// Offsets of the planes [n, c] and [n, o].
    var imagePlane: Int
    var outputPlane: Int
    var y: WindowAxis
    var x: WindowAxis
    /// The element's place in the kernel.
    var row: Int
    var column: Int
    /// Number of elements in a row of pairs, and their distance in the image; they are neighbours in the output.
    var count: Int
    var stride: Int { x.stride }

    /// Calls `body` with the offsets of the first pair of each row: in the image and in the output.
    @inline(__always)
    func forEachRow(_ body: (_ imageStart: Int, _ outputStart: Int) -> Void) {
      let columns = x.positions(column)
      if columns.isEmpty { return }
      let imageColumn = x.row(columns.lowerBound, column)
      for i in y.positions(row) {
        body(imagePlane + y.row(i, row) * x.size + imageColumn, outputPlane + i * x.outputSize + columns.lowerBound)
      }
    }
  }

  /// Calls `body` for each sample and weight element.
  @inline(__always)
  private func forEachTap(image: [Int], output: [Int], _ body: (Tap) -> Void) {
    let (y, x) = window.axes(image: image, output: output)
    let perGroup = image[1] / groups
    let outputsPerGroup = output[1] / groups
    for n in 0..<image[0] {
      for o in 0..<output[1] {
        let outputPlane = (n * output[1] + o) * y.outputSize * x.outputSize
        for c in 0..<perGroup {
          let imagePlane = (n * image[1] + o / outputsPerGroup * perGroup + c) * y.size * x.size
          for u in 0..<y.taps {
            for v in 0..<x.taps {
              let weight = ((o * perGroup + c) * y.taps + u) * x.taps + v
              body(
                Tap(
                  weight: weight, imagePlane: imagePlane, outputPlane: outputPlane, y: y, x: x, row: u, column: v, count: x.positions(v).count))
            }
          }
        }
      }
    }
  }
}
