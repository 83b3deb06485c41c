import QATTensor

/// An operator on any number of tensors, element by element, with NumPy's broadcasting.
public protocol VariadicOperator: Operator {}

extension VariadicOperator {
  /// One or more tensors.
  public static var inputCount: ClosedRange<Int> { 1...Int.max }

  /// The common shape that all inputs are broadcast to.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    var result = try required(inputs, 0, "a")
    for index in inputs.indices.dropFirst() {
      let type = try required(inputs, index, "b")
      guard let dimensions = broadcast(result.dimensions, type.dimensions) else {
        throw ShapeError("\(Self.type) cannot broadcast \(result) and \(type)")
      }
      result.dimensions = dimensions
    }
    return [result]
  }
}

/// The largest of the inputs. Equal ones share the gradient, as in PyTorch.
public struct Max: VariadicOperator {
  /// ONNX's name.
  public static let type = "Max"
  /// A maximum.
  public init() {}
}

/// The smallest of the inputs. Equal ones share the gradient, as in PyTorch.
public struct Min: VariadicOperator {
  /// ONNX's name.
  public static let type = "Min"
  /// A minimum.
  public init() {}
}

/// The mean of the inputs.
public struct Mean: VariadicOperator {
  /// ONNX's name.
  public static let type = "Mean"
  /// A mean.
  public init() {}
}
