import QATTensor

/// Joins tensors along `axis`; all other dimensions and the element types agree.
public struct Concat: Operator {
  /// ONNX's name.
  public static let type = "Concat"
  /// Any number of tensors.
  public static let inputCount = 1...Int.max
  /// The joined axis; negative counts from the end.
  public var axis: Int

  /// A concatenation.
  public init(axis: Int) { self.axis = axis }

  /// The first input's dimensions with the sum of all sizes on `axis`, which must not depend on the batch.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let first = try present(inputs, 0, "x")
    let axis = try normalized(axis: axis, rank: first.rank)
    var total = 0
    for index in inputs.indices {
      let type = try present(inputs, index, "x")
      guard type.rank == first.rank, let size = type.dimensions[axis].fixedSize else {
        throw ShapeError("Concat cannot join \(type) to \(first) on axis \(axis)")
      }
      var expected = first
      expected.dimensions[axis] = .fixed(size)
      guard type == expected else { throw ShapeError("Concat cannot join \(type) to \(first) on axis \(axis)") }
      let (sum, overflow) = total.addingReportingOverflow(size)
      guard !overflow else { throw ShapeError("Concat joins more on axis \(axis) than can be counted") }
      total = sum
    }
    var result = first
    result.dimensions[axis] = .fixed(total)
    return [result]
  }
}

/// Makes a matrix: dimensions before `axis` become rows, the others columns. Source: ONNX operator Flatten.
public struct Flatten: Operator {
  /// ONNX's name.
  public static let type = "Flatten"
  /// x.
  public static let inputCount = 1...1
  /// First axis of the columns, in −rank...rank; negative counts from the end.
  public var axis: Int

  /// A flattening.
  public init(axis: Int = 1) { self.axis = axis }

  /// [rows, columns].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    let split = axis < 0 ? axis + x.rank : axis
    guard split >= 0, split <= x.rank else { throw ShapeError("Flatten has axis \(axis), x is \(x)") }
    guard let rows = x.dimensions[..<split].product, let columns = x.dimensions[split...].product else {
      throw ShapeError("Flatten at axis \(axis) makes a dimension of \(x) that is too large or holds the batch twice")
    }
    return [TensorType([rows, columns], x.elementType)]
  }
}

/// Reads the elements in the same order in another shape. Source: ONNX operator Reshape, with the shape as an attribute and allowzero off.
public struct Reshape: Operator {
  /// ONNX's name.
  public static let type = "Reshape"
  /// x.
  public static let inputCount = 1...1
  /// The new shape: 0 copies the dimension of the input at that place, −1, at most once, takes what remains.
  public var shape: [Int]

  /// A reshape.
  public init(shape: [Int]) { self.shape = shape }

  /// `shape` with its 0 and −1 resolved, which may bring in the batch.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    var dimensions: [Dimension] = []
    var open: Int?
    for (index, size) in shape.enumerated() {
      switch size {
      case 0:
        guard index < x.rank else { throw ShapeError("Reshape to \(shape) copies dimension \(index), x is \(x)") }
        dimensions.append(x.dimensions[index])
      case -1:
        guard open == nil else { throw ShapeError("Reshape to \(shape) leaves more than one size open") }
        open = index
        dimensions.append(1)
      default:
        guard size > 0 else { throw ShapeError("Reshape to \(shape) has a negative size") }
        dimensions.append(.fixed(size))
      }
    }
    guard let total = x.dimensions.product, let given = dimensions.product else {
      throw ShapeError("Reshape of \(x) to \(shape) counts elements that are too many or hold the batch twice")
    }
    if let open {
      // What remains of no elements could be anything, so a given size of 0 is refused.
      guard let rest = total.divided(by: given) else { throw ShapeError("Reshape to \(shape) does not divide \(x)") }
      dimensions[open] = rest
    } else if total != given {
      throw ShapeError("Reshape to \(shape) does not keep the element count of \(x)")
    }
    return [TensorType(dimensions, x.elementType)]
  }
}

/// Reorders the axes: output axis i is input axis `permutation[i]`.
public struct Transpose: Operator {
  /// ONNX's name.
  public static let type = "Transpose"
  /// x.
  public static let inputCount = 1...1
  /// A permutation of the axes 0..<rank.
  public var permutation: [Int]

  /// A transposition.
  public init(permutation: [Int]) { self.permutation = permutation }

  /// The dimensions in their new order.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard permutation.sorted() == Array(0..<x.rank) else { throw ShapeError("Transpose has perm \(permutation), x is \(x)") }
    return [TensorType(permutation.map { x.dimensions[$0] }, x.elementType)]
  }
}
