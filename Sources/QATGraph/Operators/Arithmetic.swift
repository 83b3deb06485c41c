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

/// a − b.
public struct Sub: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Sub"
  /// A subtraction.
  public init() {}
}

/// a / b.
public struct Div: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Div"
  /// A division.
  public init() {}
}

/// a to the power of b. A negative a has a power only for whole b.
public struct Pow: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Pow"
  /// A power.
  public init() {}
}

/// What remains of a when it is divided by b. b is not 0.
public struct Mod: BroadcastingOperator {
  /// ONNX's name.
  public static let type = "Mod"
  /// Whether the quotient is rounded down, so that the result has b's sign, rather than towards zero, so that it has a's.
  public var roundsDown: Bool

  /// A remainder.
  public init(roundsDown: Bool = false) { self.roundsDown = roundsDown }
}
