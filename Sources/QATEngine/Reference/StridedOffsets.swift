import QATTensor

/// For each index of `shape` in row-major order, the offset Σ index · stride: where another array keeps the element that belongs there.
///
/// Transposition, broadcasting and reduction differ only in the strides; a stride of 0 repeats (or sums up) an axis.
func stridedOffsets(shape: [Int], strides: [Int]) -> [Int] {
  precondition(shape.count == strides.count)
  var offsets = [0]
  offsets.reserveCapacity(shape.elementCount)
  // Axis by axis: every offset so far is followed by the positions along the next axis.
  for (size, stride) in zip(shape, strides) {
    var next: [Int] = []
    next.reserveCapacity(offsets.count * size)
    for offset in offsets {
      for index in 0..<size { next.append(offset + index * stride) }
    }
    offsets = next
  }
  return offsets
}

/// The shape that arrays of `shapes` are broadcast to, which must fit: axes are aligned at the end, sizes of 1 repeat.
func broadcastShape(_ shapes: [[Int]]) -> [Int] {
  let rank = shapes.map(\.count).max() ?? 0
  return (0..<rank).map { axis in
    let sizes = shapes.map { shape in axis < rank - shape.count ? 1 : shape[axis - (rank - shape.count)] }
    return sizes.first { $0 != 1 } ?? 1
  }
}

/// Strides with which an array of `shape` is read as one of `target`, by NumPy's broadcasting: axes are aligned at the end, those of size 1 repeat.
func broadcastStrides(_ shape: [Int], to target: [Int]) -> [Int] {
  let missing = target.count - shape.count
  precondition(missing >= 0, "\(shape) cannot be broadcast to \(target)")
  let own = shape.rowMajorStrides
  return target.indices.map { axis in
    guard axis >= missing else { return 0 }
    return shape[axis - missing] == 1 ? 0 : own[axis - missing]
  }
}
