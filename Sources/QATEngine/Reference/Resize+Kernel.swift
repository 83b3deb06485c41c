import QATGraph
import QATTensor
import RealModule

extension Resize: ReferenceKernel {
  /// Interpolates along one axis after the other.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    var y = operand(inputs, 0)
    for (axis, taps) in resamplings(y.shape) { y = taps.interpolated(y, axis: axis) }
    return KernelResult([y])
  }

  /// Gives each element's gradient to those that it was made of, axis after axis in the opposite order.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    var dx = outputGradients[0]
    for (axis, taps) in resamplings(operand(inputs, 0).shape).reversed() { dx = taps.gathered(dx, axis: axis) }
    return [dx]
  }

  /// The axes that change, and how.
  private func resamplings(_ shape: [Int]) -> [(axis: Int, taps: Resampling)] {
    guard let changes = try? changes(of: shape.map(Dimension.fixed)) else { preconditionFailure("the graph was not validated") }
    return changes.enumerated().compactMap { axis, change in
      change.map { (axis, Resampling(size: shape[axis], newSize: $0.size, scale: $0.scale, interpolation, coordinates)) }
    }
  }
}

/// Along one axis: the elements that each element of the result is made of, with their weights.
private struct Resampling {
  private let size: Int
  private var taps: [[(index: Int, weight: Double)]] = []

  /// Places are computed in float32, as ONNX Runtime computes them: which of two equally near elements is taken hangs on it.
  init(size: Int, newSize: Int, scale: Float, _ interpolation: Resize.Interpolation, _ coordinates: Resize.Coordinates) {
    self.size = size
    taps = (0..<newSize).map { position in
      let place = coordinates.place(of: Float(position), size: Float(size), newSize: Float(newSize), scale: scale)
      return Self.taps(at: place, size: size, interpolation)
    }
  }

  private static func taps(at place: Float, size: Int, _ interpolation: Resize.Interpolation) -> [(index: Int, weight: Double)] {
    let last = size - 1
    switch interpolation {
    case .nearest(let rounding): return [(rounding.index(of: place, last: last), 1)]
    case .linear:
      let inside = min(max(place, 0), Float(last))
      let first = min(Int(inside), last)
      let fraction = Double(inside - Float(first))
      return first == last ? [(last, 1)] : [(first, 1 - fraction), (first + 1, fraction)]
    case .cubic(let coefficient, let excludesOutside):
      let first = Int(place.rounded(.down))
      let weights = cubicWeights(Double(place - Float(first)), Double(coefficient))
      var taps = (0..<4).map { (index: first - 1 + $0, weight: weights[$0]) }
      if excludesOutside {
        taps.removeAll { $0.index < 0 || $0.index > last }
        let sum = taps.reduce(0) { $0 + $1.weight }
        return taps.map { ($0.index, $0.weight / sum) }
      }
      return taps.map { (min(max($0.index, 0), last), $0.weight) }
    }
  }

  /// Weights of the four elements around a place, `t` behind the second. Source: Keys 1981.
  private static func cubicWeights(_ t: Double, _ a: Double) -> [Double] {
    [1 + t, t, 1 - t, 2 - t].map { d in
      d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    }
  }

  /// `array` with the elements along `axis` interpolated.
  func interpolated<S>(_ array: NDArray<S>, axis: Int) -> NDArray<S> {
    let (outer, inner) = (Array(array.shape[..<axis]).elementCount, Array(array.shape[(axis + 1)...]).elementCount)
    var shape = array.shape
    shape[axis] = taps.count
    var result = NDArray<S>(repeating: 0, shape: shape)
    result.elements.withUnsafeMutableBufferPointer { y in
      array.elements.withUnsafeBufferPointer { x in
        forEachPair(outer, inner) { large, small, weight in
          let factor = S(weight)
          for offset in 0..<inner { y[large + offset] += factor * x[small + offset] }
        }
      }
    }
    return result
  }

  /// The transpose of `interpolated`.
  func gathered<S>(_ array: NDArray<S>, axis: Int) -> NDArray<S> {
    let (outer, inner) = (Array(array.shape[..<axis]).elementCount, Array(array.shape[(axis + 1)...]).elementCount)
    var shape = array.shape
    shape[axis] = size
    var result = NDArray<S>(repeating: 0, shape: shape)
    result.elements.withUnsafeMutableBufferPointer { x in
      array.elements.withUnsafeBufferPointer { y in
        forEachPair(outer, inner) { large, small, weight in
          let factor = S(weight)
          for offset in 0..<inner { x[small + offset] += factor * y[large + offset] }
        }
      }
    }
    return result
  }

  /// Calls `body` with the offsets of each run of the result and of a run that it is made of.
  @inline(__always)
  private func forEachPair(_ outer: Int, _ inner: Int, _ body: (_ result: Int, _ source: Int, _ weight: Double) -> Void) {
    for block in 0..<outer {
      for (position, sources) in taps.enumerated() {
        for (index, weight) in sources { body((block * taps.count + position) * inner, (block * size + index) * inner, weight) }
      }
    }
  }
}

extension Resize.Coordinates {
  fileprivate func place(of position: Float, size: Float, newSize: Float, scale: Float) -> Float {
    switch self {
    case .halfPixel: (position + 0.5) / scale - 0.5
    case .halfPixelSymmetric: size / 2 * (1 - newSize / (scale * size)) + (position + 0.5) / scale - 0.5
    case .pytorchHalfPixel: newSize > 1 ? (position + 0.5) / scale - 0.5 : 0
    case .alignCorners: newSize == 1 ? 0 : position * (size - 1) / (newSize - 1)
    case .asymmetric: position / scale
    }
  }
}

extension Resize.Rounding {
  fileprivate func index(of place: Float, last: Int) -> Int {
    let rounded =
      switch self {
      case .preferFloor: (place - 0.5).rounded(.up)
      case .preferCeil: (place + 0.5).rounded(.down)
      case .floor: place.rounded(.down)
      case .ceil: place.rounded(.up)
      }
    return Int(min(max(rounded, 0), Float(last)))
  }
}
