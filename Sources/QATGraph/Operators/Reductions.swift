import QATTensor

/// An operator that makes one number of all elements along some axes.
public protocol ReductionOperator: Operator {
  /// Axes to reduce; negative ones count from the end; empty means all.
  var axes: [Int] { get }
  /// Whether reduced axes stay with size 1.
  var keepsDimensions: Bool { get }
}

extension ReductionOperator {
  /// x.
  public static var inputCount: ClosedRange<Int> { 1...1 }

  /// x without the reduced axes, or with 1 in their places. The batch cannot be reduced, nor an axis of size 0.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let reduced = try reducedAxes(rank: x.rank)
    var dimensions: [Dimension] = []
    for (axis, dimension) in x.dimensions.enumerated() {
      guard reduced.contains(axis) else {
        dimensions.append(dimension)
        continue
      }
      guard let size = dimension.fixedSize else { throw ShapeError("\(Self.type) over the batch dimension is not supported") }
      guard size > 0 else { throw ShapeError("\(Self.type) over axis \(axis) of \(x) has nothing to reduce") }
      if keepsDimensions { dimensions.append(1) }
    }
    return [TensorType(dimensions)]
  }

  /// The reduced axes, counted from the front.
  /// - Parameter rank: number of dimensions of x.
  /// - Returns: indices in 0..<rank.
  /// - Throws: `ShapeError` when x lacks an axis or one is named twice.
  public func reducedAxes(rank: Int) throws(ShapeError) -> Set<Int> {
    if axes.isEmpty { return Set(0..<rank) }
    var result = Set<Int>()
    for axis in axes {
      guard result.insert(try normalized(axis: axis, rank: rank)).inserted else {
        throw ShapeError("\(Self.type) names axis \(axis) twice in \(axes)")
      }
    }
    return result
  }
}

/// The mean over `axes`.
public struct ReduceMean: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceMean"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A mean.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The sum over `axes`.
public struct ReduceSum: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceSum"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A sum.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The product over `axes`.
public struct ReduceProd: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceProd"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A product.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The maximum over `axes`. Equal ones share the gradient, as in PyTorch.
public struct ReduceMax: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceMax"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A maximum.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The minimum over `axes`. Equal ones share the gradient, as in PyTorch.
public struct ReduceMin: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceMin"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A minimum.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}
