import QATGraph

extension NetworkBuilder {
  /// max(x, 0).
  public mutating func relu(_ x: Value, _ name: String) -> Value { add(Relu(), [x], name) }

  /// min(max(x, 0), 6).
  public mutating func relu6(_ x: Value, _ name: String) -> Value { add(Clip(lower: 0, upper: 6), [x], name) }

  /// x where it is positive, `slope` · x elsewhere.
  public mutating func leakyRelu(_ x: Value, _ name: String, slope: Float = 0.01) -> Value { add(LeakyRelu(alpha: slope), [x], name) }

  /// 1 / (1 + exp(−x)).
  public mutating func sigmoid(_ x: Value, _ name: String) -> Value { add(Sigmoid(), [x], name) }

  /// min(max(x + 3, 0), 6) / 6. Source: Howard et al. 2019, arXiv:1905.02244.
  public mutating func hardSigmoid(_ x: Value, _ name: String) -> Value { add(HardSigmoid(alpha: 1 / 6, beta: 0.5), [x], name) }

  /// x · hardSigmoid(x). Source: Howard et al. 2019, arXiv:1905.02244.
  public mutating func hardSwish(_ x: Value, _ name: String) -> Value { add(HardSwish(), [x], name) }

  /// x · sigmoid(x), also called swish. Source: Elfwing et al. 2017, arXiv:1702.03118.
  public mutating func silu(_ x: Value, _ name: String) -> Value { add(Swish(), [x], name) }

  /// x · Φ(x), exactly. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
  public mutating func gelu(_ x: Value, _ name: String) -> Value { add(Gelu(), [x], name) }

  /// The hyperbolic tangent.
  public mutating func tanh(_ x: Value, _ name: String) -> Value { add(Tanh(), [x], name) }

  /// exp(x) over its sum along `axis`; negative axes count from the end.
  public mutating func softmax(_ x: Value, _ name: String, axis: Int = -1) -> Value { add(Softmax(axis: axis), [x], name) }
}
