import QATTensor

/// An operator on two tensors, element by element, with NumPy's broadcasting.
public protocol BroadcastingOperator: Operator {}

extension BroadcastingOperator {
  public static var inputCount: ClosedRange<Int> { 2...2 }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try required(inputs, 0, "a")
    let b = try required(inputs, 1, "b")
    let rank = max(a.rank, b.rank)
    var dimensions: [Dimension] = []
    for axis in 0..<rank {
      let left = axis < rank - a.rank ? 1 : a.dimensions[axis - (rank - a.rank)]
      let right = axis < rank - b.rank ? 1 : b.dimensions[axis - (rank - b.rank)]
      guard left == right || left == 1 || right == 1 else { throw ShapeError("\(Self.type) cannot broadcast \(a) and \(b)") }
      dimensions.append(left == 1 ? right : left)
    }
    return [TensorType(dimensions, a.elementType)]
  }
}

/// a + b.
public struct Add: BroadcastingOperator {
  public static let type = "Add"
  /// An addition.
  public init() {}
}

/// a · b.
public struct Mul: BroadcastingOperator {
  public static let type = "Mul"
  /// A multiplication.
  public init() {}
}

/// The mean over `axes`.
public struct ReduceMean: Operator {
  public static let type = "ReduceMean"
  public static let inputCount = 1...1
  /// Axes to average over; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether averaged axes stay with size 1.
  public var keepsDimensions: Bool

  /// A mean.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let reduced = try reducedAxes(rank: x.rank)
    var dimensions: [Dimension] = []
    for (axis, dimension) in x.dimensions.enumerated() {
      if !reduced.contains(axis) {
        dimensions.append(dimension)
      } else if dimension.fixedSize == nil {
        throw ShapeError("ReduceMean over the batch dimension is not supported")
      } else if keepsDimensions {
        dimensions.append(1)
      }
    }
    return [TensorType(dimensions, x.elementType)]
  }

  /// The averaged axes, counted from the front.
  public func reducedAxes(rank: Int) throws(ShapeError) -> Set<Int> {
    if axes.isEmpty { return Set(0..<rank) }
    var result = Set<Int>()
    for axis in axes { result.insert(try normalized(axis: axis, rank: rank)) }
    return result
  }
}
