import QATGraph
import QATTensor

extension Slice: MovementKernel {
  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let shape = shapes[0]
    var places = shape.map { Array(0..<$0) }
    for (index, axis) in axes.enumerated() {
      let axis = axis < 0 ? axis + shape.count : axis
      let (first, count) = positions(index, of: shape[axis])
      places[axis] = (0..<count).map { first + $0 * steps[index] }
    }
    return offsets(places, in: shape)
  }
}

extension Pad: MovementKernel {
  var filling: Float { if case .constant(let value) = mode { value } else { 0 } }

  func sources(_ shapes: [[Int]], batchSize: Int) -> [Int] {
    let shape = shapes[0]
    return offsets(shape.indices.map { axis in places(shape[axis], before: pads[axis], after: pads[axis + shape.count]) }, in: shape)
  }

  /// Where the elements along an axis of `size` come from.
  private func places(_ size: Int, before: Int, after: Int) -> [Int] {
    (-before..<size + after).map { place in
      switch mode {
      case .constant: (0..<size).contains(place) ? place : -1
      case .edge: min(max(place, 0), size - 1)
      case .reflect: place < 0 ? -place : place < size ? place : 2 * (size - 1) - place
      case .wrap: place < 0 ? place + size : place < size ? place : place - size
      }
    }
  }
}
