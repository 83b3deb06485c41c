import QATGraph
import QATTensor
import RealModule

/// The pairs of elements that a convolution connects: an image [N, C, ...] with an output [N, O, ...] by a weight [O, C/groups, ...].
///
/// A convolution and its transpose differ only in which of the three arrays are given.
struct Correlation {
  private let axes: WindowAxes
  private let groups: Int
  private let image: [Int]
  private let output: [Int]

  init(_ window: Window, groups: Int, image: [Int], output: [Int]) {
    axes = WindowAxes(window, image: image, output: output)
    self.groups = groups
    self.image = image
    self.output = output
  }

  /// output[n, o, i] = bias[o] + Σ weight[o, c, u] · image[n, c of o's group, i · stride + u · dilation − pad], added up in this order.
  func correlated<S>(_ image: NDArray<S>, _ weight: NDArray<S>, bias: NDArray<S>? = nil) -> NDArray<S> {
    var result = biased(NDArray<S>(repeating: 0, shape: output), bias)
    result.elements.withUnsafeMutableBufferPointer { y in
      image.elements.withUnsafeBufferPointer { x in
        forEachTap { tap in
          let w = weight.elements[tap.weight]
          tap.forEachRow { imageStart, outputStart in
            for index in 0..<tap.count { y[outputStart + index] += w * x[imageStart + index * tap.stride] }
          }
        }
      }
    }
    return result
  }

  /// The image in which each element gathers its channel's bias and weight · output over the same pairs.
  func scattered<S>(_ output: NDArray<S>, _ weight: NDArray<S>, bias: NDArray<S>? = nil) -> NDArray<S> {
    var result = biased(NDArray<S>(repeating: 0, shape: image), bias)
    result.elements.withUnsafeMutableBufferPointer { x in
      output.elements.withUnsafeBufferPointer { y in
        forEachTap { tap in
          let w = weight.elements[tap.weight]
          tap.forEachRow { imageStart, outputStart in
            for index in 0..<tap.count { x[imageStart + index * tap.stride] += w * y[outputStart + index] }
          }
        }
      }
    }
    return result
  }

  /// The array of the weight's `shape` in which each element gathers image · output over the same pairs. Sums over samples are in Double.
  func products<S>(_ image: NDArray<S>, _ output: NDArray<S>, shape: [Int]) -> NDArray<S> {
    var sums = [Double](repeating: 0, count: shape.elementCount)
    image.elements.withUnsafeBufferPointer { x in
      output.elements.withUnsafeBufferPointer { y in
        forEachTap { tap in
          var sum: S = 0
          tap.forEachRow { imageStart, outputStart in
            for index in 0..<tap.count { sum += x[imageStart + index * tap.stride] * y[outputStart + index] }
          }
          sums[tap.weight] += Double(sum)
        }
      }
    }
    return NDArray(sums.map { S($0) }, shape: shape)
  }

  /// One weight element at work on one sample: it connects rows of one image plane with rows of one output plane.
  private struct Tap {
    /// Offset of the weight element.
    var weight: Int
    /// Offsets of the planes [n, c] and [n, o].
    var imagePlane: Int
    var outputPlane: Int
    var axes: WindowAxes
    /// The element's place in the kernel.
    var layer: Int
    var row: Int
    var column: Int
    /// Number of elements in a row of pairs, and their distance in the image; they are neighbours in the output.
    var count: Int
    var stride: Int { axes.x.stride }

    /// Calls `body` with the offsets of the first pair of each row: in the image and in the output.
    @inline(__always)
    func forEachRow(_ body: (_ imageStart: Int, _ outputStart: Int) -> Void) {
      let columns = axes.x.positions(column)
      if columns.isEmpty { return }
      let imageColumn = axes.x.row(columns.lowerBound, column)
      for k in axes.z.positions(layer) {
        for i in axes.y.positions(row) {
          let imageRow = axes.z.row(k, layer) * axes.y.size + axes.y.row(i, row)
          let outputRow = k * axes.y.outputSize + i
          body(imagePlane + imageRow * axes.x.size + imageColumn, outputPlane + outputRow * axes.x.outputSize + columns.lowerBound)
        }
      }
    }
  }

  /// Calls `body` for each sample and weight element.
  @inline(__always)
  private func forEachTap(_ body: (Tap) -> Void) {
    let perGroup = image[1] / groups
    let outputsPerGroup = output[1] / groups
    for n in 0..<image[0] {
      for o in 0..<output[1] {
        let outputPlane = (n * output[1] + o) * axes.outputPlane
        for c in 0..<perGroup {
          let imagePlane = (n * image[1] + o / outputsPerGroup * perGroup + c) * axes.imagePlane
          for t in 0..<axes.z.taps {
            for u in 0..<axes.y.taps {
              for v in 0..<axes.x.taps {
                let weight = (((o * perGroup + c) * axes.z.taps + t) * axes.y.taps + u) * axes.x.taps + v
                body(
                  Tap(
                    weight: weight, imagePlane: imagePlane, outputPlane: outputPlane, axes: axes, layer: t, row: u, column: v,
                    count: axes.x.positions(v).count))
              }
            }
          }
        }
      }
    }
  }
}

/// `array` [N, C, ...] plus one number a channel; itself without a bias.
private func biased<S>(_ array: NDArray<S>, _ bias: NDArray<S>?) -> NDArray<S> {
  guard let bias else { return array }
  return broadcast(array, bias.reshaped([bias.count] + array.shape[2...].map { _ in 1 }), array.shape) { $0 + $1 }
}

/// The gradient [C] of a bias from that of the biased array [N, C, ...].
func biasGradient<S>(_ gradient: NDArray<S>) -> NDArray<S> {
  let channels = gradient.shape[1]
  return summed(gradient, to: [channels] + gradient.shape[2...].map { _ in 1 }).reshaped([channels])
}
