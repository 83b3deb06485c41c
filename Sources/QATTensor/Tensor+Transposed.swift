extension Tensor {
  /// The tensor with its axes in another order: axis i of the result is axis `permutation[i]` of this one.
  /// - Precondition: `permutation` holds each axis once.
  public func transposed(_ permutation: [Int]) -> Tensor {
    precondition(permutation.sorted() == Array(shape.indices), "\(permutation) is no permutation of \(shape.count) axes")
    if permutation == Array(shape.indices) { return self }
    let sources = Self.sources(permutation, of: shape)
    let result = permutation.map { shape[$0] }
    return Tensor(shape: result, elements: elements.gathered(sources))
  }

  /// For each element of the transposed tensor, in row-major order, its index in the original.
  private static func sources(_ permutation: [Int], of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    var sources = [0]
    for axis in permutation {
      let stride = strides[axis]
      sources = sources.flatMap { start in (0..<shape[axis]).map { start + $0 * stride } }
    }
    return sources
  }
}

extension Tensor.Elements {
  /// The elements at `places`, in that order.
  public func gathered(_ places: [Int]) -> Tensor.Elements {
    switch self {
    case .float32(let values): .float32(places.map { values[$0] })
    case .float64(let values): .float64(places.map { values[$0] })
    case .int8(let values): .int8(places.map { values[$0] })
    case .uint8(let values): .uint8(places.map { values[$0] })
    case .int32(let values): .int32(places.map { values[$0] })
    case .int64(let values): .int64(places.map { values[$0] })
    case .bool(let values): .bool(places.map { values[$0] })
    }
  }
}
