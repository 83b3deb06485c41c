import QATTensor

/// A question about two tensors of one element type, element by element, with NumPy's broadcasting. Not differentiable: the answer is true or false.
public protocol ComparisonOperator: Operator {}

extension ComparisonOperator {
  /// a and b.
  public static var inputCount: ClosedRange<Int> { 2...2 }

  /// bool, in the common shape that both inputs are broadcast to.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try present(inputs, 0, "a")
    let b = try present(inputs, 1, "b")
    guard a.elementType == b.elementType, let dimensions = broadcast(a.dimensions, b.dimensions) else {
      throw ShapeError("\(Self.type) cannot compare \(a) with \(b)")
    }
    return [TensorType(dimensions, .bool)]
  }
}

/// A comparison of truth values.
public protocol LogicalOperator: ComparisonOperator {}

extension LogicalOperator {
  /// bool, in the common shape that both inputs, which are bool, are broadcast to.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let a = try present(inputs, 0, "a")
    let b = try present(inputs, 1, "b")
    guard a.elementType == .bool, b.elementType == .bool, let dimensions = broadcast(a.dimensions, b.dimensions) else {
      throw ShapeError("\(Self.type) needs two tensors of bool that can be broadcast, found \(a) and \(b)")
    }
    return [TensorType(dimensions, .bool)]
  }
}

/// a = b.
public struct Equal: ComparisonOperator {
  /// ONNX's name.
  public static let type = "Equal"
  /// A comparison.
  public init() {}
}

/// a < b.
public struct Less: ComparisonOperator {
  /// ONNX's name.
  public static let type = "Less"
  /// A comparison.
  public init() {}
}

/// a ≤ b.
public struct LessOrEqual: ComparisonOperator {
  /// ONNX's name.
  public static let type = "LessOrEqual"
  /// A comparison.
  public init() {}
}

/// a > b.
public struct Greater: ComparisonOperator {
  /// ONNX's name.
  public static let type = "Greater"
  /// A comparison.
  public init() {}
}

/// a ≥ b.
public struct GreaterOrEqual: ComparisonOperator {
  /// ONNX's name.
  public static let type = "GreaterOrEqual"
  /// A comparison.
  public init() {}
}

/// Both a and b. Inputs are bool.
public struct And: LogicalOperator {
  /// ONNX's name.
  public static let type = "And"
  /// A conjunction.
  public init() {}
}

/// a or b or both. Inputs are bool.
public struct Or: LogicalOperator {
  /// ONNX's name.
  public static let type = "Or"
  /// A disjunction.
  public init() {}
}

/// Either a or b. Inputs are bool.
public struct Xor: LogicalOperator {
  /// ONNX's name.
  public static let type = "Xor"
  /// An exclusive disjunction.
  public init() {}
}

/// Whether x does not hold. Not differentiable.
public struct Not: Operator {
  /// ONNX's name.
  public static let type = "Not"
  /// x.
  public static let inputCount = 1...1
  /// A negation.
  public init() {}

  /// The type of x, which is bool.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard x.elementType == .bool else { throw ShapeError("Not needs a bool, found \(x)") }
    return [x]
  }
}

/// Whether x is not a number. Not differentiable.
public struct IsNaN: Operator {
  /// ONNX's name.
  public static let type = "IsNaN"
  /// x.
  public static let inputCount = 1...1
  /// A question.
  public init() {}

  /// bool, in the dimensions of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    [TensorType(try required(inputs, 0, "x").dimensions, .bool)]
  }
}
