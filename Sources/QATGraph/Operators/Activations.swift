import QATTensor

/// An operator that computes each element of its one output from the same element of its one input.
public protocol ElementwiseOperator: Operator {}

extension ElementwiseOperator {
  /// x.
  public static var inputCount: ClosedRange<Int> { 1...1 }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { [try required(inputs, 0, "x")] }
}

/// max(x, 0). The gradient at 0 is 0.
public struct Relu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Relu"
  /// A ReLU.
  public init() {}
}

/// min(max(x, lower), upper); ReLU6 is `Clip(lower: 0, upper: 6)`. The gradient is 1 strictly between the bounds and 0 elsewhere, as PyTorch's hardtanh.
public struct Clip: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Clip"
  /// Lower bound; −∞ when there is none.
  public var lower: Float
  /// Upper bound; ∞ when there is none.
  public var upper: Float

  /// A clip.
  public init(lower: Float = -.infinity, upper: Float = .infinity) {
    self.lower = lower
    self.upper = upper
  }
}

/// x for x > 0, else alpha · x.
public struct LeakyRelu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "LeakyRelu"
  /// Slope on the negative side.
  public var alpha: Float

  /// A leaky ReLU.
  public init(alpha: Float = 0.01) { self.alpha = alpha }
}

/// 1 / (1 + exp(−x)).
public struct Sigmoid: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Sigmoid"
  /// A sigmoid.
  public init() {}
}

/// x · min(max(x + 3, 0), 6) / 6. Source: Howard et al. 2019, arXiv:1905.02244.
public struct HardSwish: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "HardSwish"
  /// A hard swish.
  public init() {}
}

/// The input itself.
public struct Identity: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Identity"
  /// An identity.
  public init() {}

  /// The type of x, whatever its elements.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { [try present(inputs, 0, "x")] }
}

/// In training, zeroes each element with probability `ratio` and scales the others by 1/(1 − ratio); otherwise the identity.
public struct Dropout: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Dropout"
  /// Probability of zeroing, in 0..<1.
  public var ratio: Float

  /// A dropout.
  public init(ratio: Float = 0.5) { self.ratio = ratio }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    guard ratio >= 0, ratio < 1 else { throw ShapeError("Dropout has ratio \(ratio), expected at least 0 and less than 1") }
    return [try required(inputs, 0, "x")]
  }
}
