import QATGraph
import QATTensor
import RealModule

extension Resize: ReferenceKernel {
  /// Interpolates along one axis after the other.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    var y = operand(inputs, 0)
    let resamplings = resamplings(y.shape)
    for (axis, taps) in resamplings { y = taps.interpolated(y, axis: axis) }
    if let region { for (axis, taps) in resamplings { taps.fillOutside(&y, axis: axis, with: S(region.filling)) } }
    return KernelResult([y])
  }

  /// Gives each element's gradient to those that it was made of, axis after axis in the opposite order.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    var dx = outputGradients[0]
    let resamplings = resamplings(operand(inputs, 0).shape)
    if region != nil { for (axis, taps) in resamplings { taps.fillOutside(&dx, axis: axis, with: 0) } }
    for (axis, taps) in resamplings.reversed() { dx = taps.gathered(dx, axis: axis) }
    return [dx]
  }

  /// The axes that change, and how.
  private func resamplings(_ shape: [Int]) -> [(axis: Int, taps: Resampling)] {
    guard let changes = try? changes(of: shape.map(Dimension.fixed)) else { preconditionFailure("the graph was not validated") }
    return changes.enumerated().compactMap { axis, change in
      change.map { (axis, Resampling(self, axis: axis, size: shape[axis], newSize: $0.size, scale: $0.scale)) }
    }
  }
}

/// Along one axis: the elements that each element of the result is made of, with their weights.
private struct Resampling {
  private let size: Int
  private var taps: [[(index: Int, weight: Double)]] = []
  /// Places of the result that lie outside of x; only a region can have some that are not read from the edge.
  private var outside: [Int] = []

  /// Places are computed in float32, as ONNX Runtime computes them: which of two equally near elements is taken hangs on it.
  init(_ op: Resize, axis: Int, size: Int, newSize: Int, scale: Float) {
    self.size = size
    for position in 0..<newSize {
      let place = op.place(of: Float(position), axis: axis, size: Float(size), newSize: Float(newSize), scale: scale)
      if place < 0 || place > Float(size - 1) { outside.append(position) }
      taps.append(
        op.antialiases && scale < 1
          ? Self.stretched(at: place, scale, size: size, op.interpolation) : Self.taps(at: place, size: size, op.interpolation))
    }
  }

  /// The weights of a larger neighbourhood, which a smaller image needs; those outside of x count for the edge, or not at all.
  private static func stretched(at place: Float, _ scale: Float, size: Int, _ interpolation: Resize.Interpolation) -> [(index: Int, weight: Double)] {
    let reach: Double
    switch interpolation {
    case .nearest: return taps(at: place, size: size, interpolation)
    case .linear: reach = 1 / Double(scale)
    case .cubic: reach = 2 / Double(scale)
    }
    let places = Int((Double(place) - reach).rounded(.up))...Int((Double(place) + reach).rounded(.down))
    var taps = places.map { index in
      let distance = abs(Double(index) - Double(place)) * Double(scale)
      guard case .cubic(let coefficient, let excludesOutside) = interpolation else { return (index: index, weight: max(0, 1 - distance)) }
      let isLeftOut = distance >= 2 || (excludesOutside && !(0..<size).contains(index))
      return (index: index, weight: isLeftOut ? 0 : cubicWeight(distance, Double(coefficient)))
    }
    for index in taps.indices { taps[index].index = min(max(taps[index].index, 0), size - 1) }
    let sum = taps.reduce(0) { $0 + $1.weight }
    for index in taps.indices { taps[index].weight /= sum }
    return taps
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
    [1 + t, t, 1 - t, 2 - t].map { cubicWeight($0, a) }
  }

  /// The weight at the distance `d`, below 2.
  private static func cubicWeight(_ d: Double, _ a: Double) -> Double {
    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
  }

  /// Sets the elements whose place along `axis` lies outside of x.
  func fillOutside<S>(_ array: inout NDArray<S>, axis: Int, with value: S) {
    let (outer, inner) = (Array(array.shape[..<axis]).elementCount, Array(array.shape[(axis + 1)...]).elementCount)
    for block in 0..<outer {
      for position in outside {
        let start = (block * taps.count + position) * inner
        for index in start..<start + inner { array.elements[index] = value }
      }
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

extension Resize {
  private func start(_ axis: Int) -> Float { region?.starts[axis] ?? 0 }
  private func end(_ axis: Int) -> Float { region?.ends[axis] ?? 1 }

  fileprivate func place(of position: Float, axis: Int, size: Float, newSize: Float, scale: Float) -> Float {
    switch coordinates {
    case .halfPixel: (position + 0.5) / scale - 0.5
    case .halfPixelSymmetric: size / 2 * (1 - newSize / (scale * size)) + (position + 0.5) / scale - 0.5
    case .pytorchHalfPixel: newSize > 1 ? (position + 0.5) / scale - 0.5 : 0
    case .alignCorners: newSize == 1 ? 0 : position * (size - 1) / (newSize - 1)
    case .asymmetric: position / scale
    case .cropAndResize:
      newSize > 1
        ? start(axis) * (size - 1) + position * (end(axis) - start(axis)) * (size - 1) / (newSize - 1)
        : (start(axis) + end(axis)) * (size - 1) / 2
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
