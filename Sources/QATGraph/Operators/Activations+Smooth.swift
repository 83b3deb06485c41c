// Smooth activation functions.

/// x · Φ(x) with the normal distribution's Φ, exactly or by tanh. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
public struct Gelu: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Gelu"

  /// How Φ is computed.
  public enum Approximation: String, Sendable, Hashable {
    /// (1 + erf(x / √2)) / 2.
    case none
    /// (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.
    case tanh
  }

  /// How Φ is computed.
  public var approximation: Approximation

  /// A Gaussian error linear unit.
  public init(approximation: Approximation = .none) { self.approximation = approximation }
}

/// x · sigmoid(alpha · x); with alpha 1 also known as SiLU. ONNX before opset 24 says it with several nodes.
///
/// Source: Ramachandran et al. 2017, arXiv:1710.05941.
public struct Swish: ElementwiseOperator {
  /// ONNX's name, from opset 24 on.
  public static let type = "Swish"
  /// Factor inside the sigmoid.
  public var alpha: Float

  /// A swish.
  public init(alpha: Float = 1) { self.alpha = alpha }
}

/// x · tanh(softplus(x)). Source: Misra 2019, arXiv:1908.08681.
public struct Mish: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Mish"
  /// A mish.
  public init() {}
}

/// log(1 + exp(x)).
public struct Softplus: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Softplus"
  /// A softplus.
  public init() {}
}

/// x / (1 + |x|).
public struct Softsign: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Softsign"
  /// A softsign.
  public init() {}
}
