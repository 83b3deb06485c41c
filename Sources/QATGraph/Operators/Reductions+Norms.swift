// Norms and logarithms of sums.

/// The sum of absolute values over `axes`.
public struct ReduceL1: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceL1"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A sum of absolute values.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The square root of the sum of squares over `axes`. The gradient of a line of zeros is 0.
public struct ReduceL2: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceL2"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A Euclidean norm.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The sum of squares over `axes`.
public struct ReduceSumSquare: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceSumSquare"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A sum of squares.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The logarithm of the sum over `axes`.
public struct ReduceLogSum: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceLogSum"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A logarithm of a sum.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}

/// The logarithm of the sum of exponentials over `axes`.
public struct ReduceLogSumExp: ReductionOperator {
  /// ONNX's name.
  public static let type = "ReduceLogSumExp"
  /// Axes to reduce; negative ones count from the end; empty means all.
  public var axes: [Int]
  /// Whether reduced axes stay with size 1.
  public var keepsDimensions: Bool

  /// A logarithm of a sum of exponentials.
  public init(axes: [Int], keepsDimensions: Bool = true) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }
}
