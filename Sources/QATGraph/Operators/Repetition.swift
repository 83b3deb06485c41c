import QATTensor

/// Repeats x along axes of size 1, and in front, until it has `shape` or what both are broadcast to. Source: ONNX operator Expand, with the shape as an
/// attribute, in which the batch may stand.
public struct Expand: Operator {
  /// ONNX's name.
  public static let type = "Expand"
  /// x.
  public static let inputCount = 1...1
  /// The least dimensions.
  public var shape: [Dimension]

  /// An expansion.
  public init(shape: [Dimension]) { self.shape = shape }

  /// What x and `shape` are broadcast to.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard let dimensions = broadcast(x.dimensions, shape) else { throw ShapeError("Expand cannot broadcast \(x) to \(shape)") }
    return [TensorType(dimensions, x.elementType)]
  }
}

/// Repeats the whole of x along each axis. Source: ONNX operator Tile, with the repeats as an attribute.
public struct Tile: Operator {
  /// ONNX's name.
  public static let type = "Tile"
  /// x.
  public static let inputCount = 1...1
  /// How often, axis by axis. Never negative.
  public var repeats: [Int]

  /// A tiling.
  public init(repeats: [Int]) { self.repeats = repeats }

  /// x with each size times its repeats. The batch is not repeated.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard repeats.count == x.rank, repeats.allSatisfy({ $0 >= 0 }) else {
      throw ShapeError("Tile has repeats \(repeats), expected \(x.rank) numbers of at least 0 for \(x)")
    }
    var result = x
    for (axis, count) in repeats.enumerated() where count != 1 {
      guard x.dimensions[axis].fixedSize != nil, let size = x.dimensions[axis].multiplied(by: .fixed(count)) else {
        throw ShapeError("Tile cannot repeat axis \(axis) of \(x) \(count) times")
      }
      result.dimensions[axis] = size
    }
    return [result]
  }
}

/// The part of each matrix on one side of a diagonal; elsewhere 0. Source: ONNX operator Trilu, with k as an attribute.
public struct Trilu: Operator {
  /// ONNX's name.
  public static let type = "Trilu"
  /// x.
  public static let inputCount = 1...1
  /// Whether the part above the diagonal stays, rather than that below.
  public var keepsUpper: Bool
  /// The diagonal, which stays too: 0 for the main one, above it positive.
  public var diagonal: Int

  /// A triangle.
  public init(keepsUpper: Bool = true, diagonal: Int = 0) {
    self.keepsUpper = keepsUpper
    self.diagonal = diagonal
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard x.rank >= 2, x.dimensions[(x.rank - 2)...].allSatisfy({ $0.fixedSize != nil }) else {
      throw ShapeError("Trilu needs matrices of a fixed size, found \(x)")
    }
    return [x]
  }
}
