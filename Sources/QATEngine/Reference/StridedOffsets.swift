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
