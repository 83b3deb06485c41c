extension [Int] {
  /// The number of elements a shape spans: the product of its dimensions, 1 for a scalar.
  /// - Precondition: the shape is that of a tensor that exists. For shapes from files there is `checkedElementCount`.
  public var elementCount: Int { reduce(1, *) }

  /// The number of elements a shape spans, or nil when a dimension is negative or the product of the others than zero does not fit an integer, so that
  /// no stride of the shape overflows either.
  public var checkedElementCount: Int? {
    var product = 1
    for size in self where size != 0 {
      guard size > 0 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      product = next
    }
    return contains(0) ? 0 : product
  }

  /// Row-major strides, in elements: the last dimension is contiguous.
  /// - Precondition: the shape has a `checkedElementCount`.
  public var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * self[axis + 1] }
    return strides
  }
}
