import QATTensor

/// An operator on two tensors, element by element, with NumPy's broadcasting.
public protocol BroadcastingOperator: Operator {}

extension BroadcastingOperator {
  /// a and b.
  public static var inputCount: ClosedRange<Int> { 2...2 }

  /// The common shape that both inputs are broadcast to.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try required(inputs, 0, "a")
    let b = try required(inputs, 1, "b")
    guard let dimensions = broadcast(a.dimensions, b.dimensions) else { throw ShapeError("\(Self.type) cannot broadcast \(a) and \(b)") }
    return [TensorType(dimensions)]
  }
}

/// The dimensions that both `a` and `b` are broadcast to, or nil when they do not fit. Aligned at the end; a dimension that is 1 or missing stretches.
func broadcast(_ a: [Dimension], _ b: [Dimension]) -> [Dimension]? {
  var result: [Dimension] = []
  for offset in 1..<max(a.count, b.count) + 1 {
    let left = offset <= a.count ? a[a.count - offset] : 1
    let right = offset <= b.count ? b[b.count - offset] : 1
    guard left == right || left == 1 || right == 1 else { return nil }
    result.append(left == 1 ? right : left)
  }
  return result.reversed()
}

/// a + b.
public struct Add: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Add"
  /// An addition.
  public init() {}
}

/// a · b.
public struct Mul: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Mul"
  /// A multiplication.
  public init() {}
}

/// The mean over `axes`.
public struct ReduceMean: Operator {
  /// ONNX's name.
  public static let type = "ReduceMean"
  /// x.
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

  /// x without the averaged axes, or with 1 in their places. The batch cannot be averaged over, nor an axis of size 0.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let reduced = try reducedAxes(rank: x.rank)
    var dimensions: [Dimension] = []
    for (axis, dimension) in x.dimensions.enumerated() {
      guard reduced.contains(axis) else {
        dimensions.append(dimension)
        continue
      }
      guard let size = dimension.fixedSize else { throw ShapeError("ReduceMean over the batch dimension is not supported") }
      guard size > 0 else { throw ShapeError("ReduceMean over axis \(axis) of \(x) averages nothing") }
      if keepsDimensions { dimensions.append(1) }
    }
    return [TensorType(dimensions)]
  }

  /// The averaged axes, counted from the front.
  /// - Parameter rank: number of dimensions of x.
  /// - Returns: indices in 0..<rank.
  /// - Throws: `ShapeError` when x lacks an axis or one is named twice.
  public func reducedAxes(rank: Int) throws(ShapeError) -> Set<Int> {
    if axes.isEmpty { return Set(0..<rank) }
    var result = Set<Int>()
    for axis in axes {
      guard result.insert(try normalized(axis: axis, rank: rank)).inserted else { throw ShapeError("ReduceMean names axis \(axis) twice in \(axes)") }
    }
    return result
  }
}
