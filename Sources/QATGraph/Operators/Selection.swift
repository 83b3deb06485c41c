import QATTensor

/// a where the condition holds, b elsewhere, all broadcast to one shape. Source: ONNX operator Where.
public struct Where: Operator {
  /// ONNX's name.
  public static let type = "Where"
  /// condition, a and b.
  public static let inputCount = 3...3
  /// A selection.
  public init() {}

  /// The common shape; a and b have one element type.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let condition = try present(inputs, 0, "condition")
    let a = try present(inputs, 1, "a")
    let b = try present(inputs, 2, "b")
    guard condition.elementType == .bool, a.elementType == b.elementType else {
      throw ShapeError("Where needs a condition of bool and two tensors of one element type, found \(condition), \(a), \(b)")
    }
    guard let both = broadcast(a.dimensions, b.dimensions), let all = broadcast(condition.dimensions, both) else {
      throw ShapeError("Where cannot broadcast \(condition), \(a) and \(b)")
    }
    return [TensorType(all, a.elementType)]
  }
}

/// Another element type: fractions are cut off, whatever is not 0 is true. Not differentiable, since one of the two types is no floating point.
public struct Cast: Operator {
  /// ONNX's name.
  public static let type = "Cast"
  /// x.
  public static let inputCount = 1...1
  /// The element type of the result.
  public var elementType: ElementType

  /// A conversion.
  public init(to elementType: ElementType) { self.elementType = elementType }

  /// x's dimensions.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try present(inputs, 0, "x")
    guard [.float32, .int32, .int64, .bool].contains(elementType) else { throw ShapeError("Cast to \(elementType) is not supported") }
    return [TensorType(x.dimensions, elementType)]
  }
}
