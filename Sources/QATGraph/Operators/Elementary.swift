// Functions of one number, applied to each element.

/// exp(x).
public struct Exp: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Exp"
  /// An exponential.
  public init() {}
}

/// The natural logarithm of x.
public struct Log: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Log"
  /// A logarithm.
  public init() {}
}

/// √x.
public struct Sqrt: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Sqrt"
  /// A square root.
  public init() {}
}

/// 1 / x.
public struct Reciprocal: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Reciprocal"
  /// A reciprocal.
  public init() {}
}

/// −x.
public struct Neg: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Neg"
  /// A change of sign.
  public init() {}
}

/// |x|. The gradient at 0 is 0.
public struct Abs: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Abs"
  /// An absolute value.
  public init() {}
}

/// tanh(x).
public struct Tanh: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Tanh"
  /// A hyperbolic tangent.
  public init() {}
}

/// The error function 2/√π · ∫₀ˣ exp(−t²) dt.
public struct Erf: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Erf"
  /// An error function.
  public init() {}
}

/// sin(x).
public struct Sin: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Sin"
  /// A sine.
  public init() {}
}

/// cos(x).
public struct Cos: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Cos"
  /// A cosine.
  public init() {}
}

/// The whole number below x. The gradient is 0, as in PyTorch.
public struct Floor: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Floor"
  /// A rounding.
  public init() {}
}

/// The whole number above x. The gradient is 0, as in PyTorch.
public struct Ceil: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Ceil"
  /// A rounding.
  public init() {}
}

/// The nearest whole number; of two the even one. The gradient is 0, as in PyTorch.
public struct Round: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Round"
  /// A rounding.
  public init() {}
}

/// −1, 0 or 1. The gradient is 0, as in PyTorch.
public struct Sign: ElementwiseOperator {
  /// ONNX's name.
  public static let type = "Sign"
  /// A sign.
  public init() {}
}
