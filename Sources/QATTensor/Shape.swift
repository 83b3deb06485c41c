extension [Int] {
  /// The number of elements a shape spans: the product of its dimensions, 1 for a scalar.
  public var elementCount: Int { reduce(1, *) }

  /// Row-major strides, in elements: the last dimension is contiguous.
  public var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * self[axis + 1] }
    return strides
  }
}
