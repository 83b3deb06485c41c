import QATTensor

/// Slices of data along `axis`, one an index: output[..., i, ...] = data[..., indices[i], ...]. An embedding is this on a trained table.
///
/// Inputs: data, indices (int32 or int64, of any shape). Negative indices count from the end. An index that data does not have gives NaN, where shapes
/// do not tell before. Source: ONNX operator Gather.
public struct Gather: Operator {
  /// ONNX's name.
  public static let type = "Gather"
  /// data and indices.
  public static let inputCount = 2...2
  /// The axis of data that is indexed; negative counts from the end.
  public var axis: Int

  /// A gathering.
  public init(axis: Int = 0) { self.axis = axis }

  /// data's dimensions with those of indices in the place of `axis`, which must not be the batch.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let (data, indices, axis) = try gathered(inputs, axis)
    return [TensorType(data.dimensions[..<axis] + indices.dimensions + data.dimensions[(axis + 1)...], data.elementType)]
  }
}

/// Single elements of data: output[i, j, ...] = data[indices[i, j, ...], j, ...] for axis 0.
///
/// Inputs: data, indices (int32 or int64) of the same rank. Negative indices count from the end. Source: ONNX operator GatherElements.
public struct GatherElements: Operator {
  /// ONNX's name.
  public static let type = "GatherElements"
  /// data and indices.
  public static let inputCount = 2...2
  /// The axis of data that is indexed; negative counts from the end.
  public var axis: Int

  /// A gathering.
  public init(axis: Int = 0) { self.axis = axis }

  /// The dimensions of indices, which on the other axes must not exceed those of data.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let (data, indices, axis) = try gathered(inputs, axis)
    let fits = zip(data.dimensions, indices.dimensions).enumerated().allSatisfy { place, sizes in
      if place == axis || sizes.0 == sizes.1 { return true }
      guard let size = sizes.0.fixedSize, let count = sizes.1.fixedSize else { return false }
      return count <= size
    }
    guard data.rank == indices.rank, fits else { throw ShapeError("GatherElements on axis \(axis) cannot take \(indices) of \(data)") }
    return [TensorType(indices.dimensions, data.elementType)]
  }
}

/// Slices of data at places that each last row of indices names: output[i, ..., :] = data[indices[i, ..., :], :].
///
/// Inputs: data, indices (int32 or int64) [..., k]. The first `batchDimensions` dimensions are common to both. Negative indices count from the end. An
/// index that data does not have gives NaN. Source: ONNX operator GatherND.
public struct GatherND: Operator {
  /// ONNX's name.
  public static let type = "GatherND"
  /// data and indices.
  public static let inputCount = 2...2
  /// How many leading dimensions data and indices share.
  public var batchDimensions: Int

  /// A gathering.
  public init(batchDimensions: Int = 0) { self.batchDimensions = batchDimensions }

  /// The dimensions of indices without the last one, then those of data that are not named. The batch is not indexed.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let data = try present(inputs, 0, "data")
    let indices = try present(inputs, 1, "indices")
    let named = try namedAxes(data, indices, after: batchDimensions)
    guard indices.rank > batchDimensions, data.dimensions[..<batchDimensions] == indices.dimensions[..<batchDimensions] else {
      throw ShapeError("GatherND needs \(batchDimensions) leading dimensions that agree, found \(data) and \(indices)")
    }
    return [TensorType(indices.dimensions.dropLast() + data.dimensions[named.upperBound...], data.elementType)]
  }
}

extension Operator {
  /// The axes of data that each last row of indices names, `first` being the first of them.
  func namedAxes(_ data: TensorType, _ indices: TensorType, after first: Int) throws(ShapeError) -> Range<Int> {
    guard [.int64, .int32].contains(indices.elementType), first >= 0, let count = indices.dimensions.last?.fixedSize, count > 0, first <= data.rank,
      count <= data.rank - first
    else {
      throw ShapeError("\(Self.type) needs integer indices [..., k] with k axes of data behind the first \(first), found \(indices) of \(data)")
    }
    let named = first..<first + count
    guard data.dimensions[named].allSatisfy({ $0.fixedSize != nil }) else {
      throw ShapeError("\(Self.type) along the batch dimension of \(data) is not supported")
    }
    return named
  }

  /// data, indices and the axis counted from the front.
  func gathered(_ inputs: [TensorType?], _ axis: Int) throws(ShapeError) -> (data: TensorType, indices: TensorType, axis: Int) {
    let data = try present(inputs, 0, "data")
    let indices = try present(inputs, 1, "indices")
    guard indices.elementType == .int64 || indices.elementType == .int32 else {
      throw ShapeError("\(Self.type) needs integer indices, found \(indices)")
    }
    let axis = try normalized(axis: axis, rank: data.rank)
    guard data.dimensions[axis].fixedSize != nil else { throw ShapeError("\(Self.type) along the batch dimension of \(data) is not supported") }
    return (data, indices, axis)
  }
}
