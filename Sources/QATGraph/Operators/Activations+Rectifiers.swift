// Activation functions made of pieces.

/// x for x > 0, else alpha · (exp(x) − 1). Source: Clevert et al. 2015, arXiv:1511.07289.
public struct Elu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Elu"
  /// What the negative side tends to, without its sign.
  public var alpha: Float

  /// An exponential linear unit.
  public init(alpha: Float = 1) { self.alpha = alpha }
}

/// gamma · x for x > 0, else gamma · alpha · (exp(x) − 1). Source: Klambauer et al. 2017, arXiv:1706.02515.
public struct Selu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Selu"
  /// What the negative side tends to, without its sign and before the factor.
  public var alpha: Float
  /// Factor of both sides.
  public var gamma: Float

  /// A scaled exponential linear unit; with the defaults activations keep zero mean and unit variance.
  public init(alpha: Float = 1.673_263_2, gamma: Float = 1.050_701) {
    self.alpha = alpha
    self.gamma = gamma
  }
}

/// max(x, 0) + min(0, alpha · (exp(x / alpha) − 1)). Source: Barron 2017, arXiv:1704.07483.
public struct Celu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Celu"
  /// What the negative side tends to, without its sign. Not 0.
  public var alpha: Float

  /// A continuously differentiable exponential linear unit.
  public init(alpha: Float = 1) { self.alpha = alpha }
}

/// x for x > alpha, else 0.
public struct ThresholdedRelu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "ThresholdedRelu"
  /// The threshold.
  public var alpha: Float

  /// A ReLU with a threshold.
  public init(alpha: Float = 1) { self.alpha = alpha }
}

/// min(max(alpha · x + beta, 0), 1). The gradient at the bounds is 0.
public struct HardSigmoid: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "HardSigmoid"
  /// The slope; PyTorch's is 1/6.
  public var alpha: Float
  /// The value at 0.
  public var beta: Float

  /// A piecewise linear sigmoid.
  public init(alpha: Float = 0.2, beta: Float = 0.5) {
    self.alpha = alpha
    self.beta = beta
  }
}
