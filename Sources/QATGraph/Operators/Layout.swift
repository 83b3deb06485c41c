import QATTensor

/// Joins tensors along `axis`; all other dimensions agree.
public struct Concat: Operator {
  public static let type = "Concat"
  public static let inputCount = 1...Int.max
  /// The joined axis; negative counts from the end.
  public var axis: Int

  /// A concatenation.
  public init(axis: Int) { self.axis = axis }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    var result = try required(inputs, 0, "x")
    let axis = try normalized(axis: axis, rank: result.rank)
    var total = 0
    for index in inputs.indices {
      let type = try required(inputs, index, "x")
      var others = type.dimensions
      guard type.rank == result.rank, let size = type.dimensions[axis].fixedSize else { throw ShapeError("Concat cannot join \(type) to \(result) on axis \(axis)") }
      others[axis] = result.dimensions[axis]
      guard others == result.dimensions else { throw ShapeError("Concat cannot join \(type) to \(result) on axis \(axis)") }
      total += size
      result.dimensions[axis] = .fixed(total)
    }
    return [result]
  }
}

/// Makes a matrix: dimensions before `axis` become rows, the others columns. Source: ONNX operator Flatten.
public struct Flatten: Operator {
  public static let type = "Flatten"
  public static let inputCount = 1...1
  /// First axis of the columns.
  public var axis: Int

  /// A flattening.
  public init(axis: Int = 1) { self.axis = axis }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let split = axis < 0 ? axis + x.rank : axis
    guard split >= 0, split <= x.rank else { throw ShapeError("Flatten has axis \(axis), x is \(x)") }
    return [TensorType([try product(x.dimensions[..<split]), try product(x.dimensions[split...])], x.elementType)]
  }
}

/// Reads the elements in the same order in another shape. Source: ONNX operator Reshape, with the shape as an attribute.
public struct Reshape: Operator {
  public static let type = "Reshape"
  public static let inputCount = 1...1
  /// The new shape: 0 copies the dimension of the input at that place, −1, at most once, takes what remains.
  public var shape: [Int]

  /// A reshape.
  public init(shape: [Int]) { self.shape = shape }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    var dimensions: [Dimension] = []
    for (index, size) in shape.enumerated() {
      switch size {
      case 0:
        guard index < x.rank else { throw ShapeError("Reshape to \(shape) copies dimension \(index), x is \(x)") }
        dimensions.append(x.dimensions[index])
      case -1: dimensions.append(1)
      default:
        guard size > 0 else { throw ShapeError("Reshape to \(shape) has a negative size") }
        dimensions.append(.fixed(size))
      }
    }
    guard shape.count(where: { $0 == -1 }) <= 1 else { throw ShapeError("Reshape to \(shape) leaves more than one size open") }
    let total = try product(x.dimensions[...])
    let given = try product(dimensions[...])
    if let open = shape.firstIndex(of: -1) {
      dimensions[open] = try quotient(total, given, x)
    } else if total != given {
      throw ShapeError("Reshape to \(shape) does not keep the element count of \(x)")
    }
    return [TensorType(dimensions, x.elementType)]
  }

  private func quotient(_ total: Dimension, _ given: Dimension, _ x: TensorType) throws(ShapeError) -> Dimension {
    switch (total, given) {
    case (.fixed(let all), .fixed(let part)) where part > 0 && all % part == 0: return .fixed(all / part)
    case (.batch(let all), .fixed(let part)) where part > 0 && all % part == 0: return .batch(multiple: all / part)
    case (.batch(let all), .batch(let part)) where part > 0 && all % part == 0: return .fixed(all / part)
    default: throw ShapeError("Reshape to \(shape) does not divide \(x)")
    }
  }
}

/// Reorders the axes: output axis i is input axis `permutation[i]`.
public struct Transpose: Operator {
  public static let type = "Transpose"
  public static let inputCount = 1...1
  /// A permutation of the axes.
  public var permutation: [Int]

  /// A transposition.
  public init(permutation: [Int]) { self.permutation = permutation }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    guard permutation.sorted() == Array(0..<x.rank) else { throw ShapeError("Transpose has perm \(permutation), x is \(x)") }
    return [TensorType(permutation.map { x.dimensions[$0] }, x.elementType)]
  }
}

/// The product of dimensions, which may hold the batch once.
private func product(_ dimensions: ArraySlice<Dimension>) throws(ShapeError) -> Dimension {
  var result = Dimension.fixed(1)
  for dimension in dimensions {
    switch (result, dimension) {
    case (.fixed(let a), .fixed(let b)): result = .fixed(a * b)
    case (.fixed(let a), .batch(let b)), (.batch(let a), .fixed(let b)): result = .batch(multiple: a * b)
    case (.batch, .batch): throw ShapeError("two batch dimensions cannot be merged")
    }
  }
  return result
}
