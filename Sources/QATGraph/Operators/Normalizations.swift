import QATTensor

/// Normalises each sample over its last axes: y = (x − mean) / √(variance + epsilon) · scale + bias, with the biased variance.
///
/// Inputs: x, scale, optional bias; scale and bias are broadcast to x. Sources: Ba et al. 2016, arXiv:1607.06450; ONNX operator LayerNormalization.
public struct LayerNormalization: Operator {
  /// ONNX's name.
  public static let type = "LayerNormalization"
  /// x, scale, and perhaps bias.
  public static let inputCount = 2...3
  /// The first of the axes that are normalised together; negative counts from the end.
  public var axis: Int
  /// Added to the variance. Not negative.
  public var epsilon: Float

  /// A layer normalisation.
  public init(axis: Int = -1, epsilon: Float = 1e-5) {
    self.axis = axis
    self.epsilon = epsilon
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    try checkEpsilon(epsilon)
    guard x.dimensions[try normalized(axis: axis, rank: x.rank)...].allSatisfy({ ($0.fixedSize ?? 0) > 0 }) else {
      throw ShapeError("LayerNormalization from axis \(axis) on needs fixed sizes above 0 there, found \(x)")
    }
    for (index, role) in ["scale", "bias"].enumerated() where index == 0 || (inputs.count > 2 && inputs[2] != nil) {
      let type = try required(inputs, index + 1, role)
      guard broadcast(x.dimensions, type.dimensions) == x.dimensions else {
        throw ShapeError("LayerNormalization of \(x) cannot broadcast the \(role) \(type)")
      }
    }
    return [x]
  }
}

/// Normalises each channel of each sample over its positions, then scales and shifts each channel. Inputs: x [N, C, ...], scale [C], bias [C].
///
/// Sources: Ulyanov et al. 2016, arXiv:1607.08022; ONNX operator InstanceNormalization.
public struct InstanceNormalization: Operator {
  /// ONNX's name.
  public static let type = "InstanceNormalization"
  /// x, scale and bias.
  public static let inputCount = 3...3
  /// Added to the variance. Not negative.
  public var epsilon: Float

  /// An instance normalisation.
  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    try checkEpsilon(epsilon)
    return [try channelNormalized(inputs).x]
  }
}

/// Normalises groups of channels of each sample over their positions, then scales and shifts each channel. Inputs: x [N, C, ...], scale [C], bias [C].
///
/// Sources: Wu and He 2018, arXiv:1803.08494; ONNX operator GroupNormalization, opset 21.
public struct GroupNormalization: Operator {
  /// ONNX's name.
  public static let type = "GroupNormalization"
  /// x, scale and bias.
  public static let inputCount = 3...3
  /// Number of groups, a divisor of the number of channels.
  public var groups: Int
  /// Added to the variance. Not negative.
  public var epsilon: Float

  /// A group normalisation.
  public init(groups: Int, epsilon: Float = 1e-5) {
    self.groups = groups
    self.epsilon = epsilon
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    try checkEpsilon(epsilon)
    let (x, channels) = try channelNormalized(inputs)
    guard groups > 0, channels % groups == 0 else { throw ShapeError("GroupNormalization cannot part \(channels) channels into \(groups) groups") }
    return [x]
  }
}

/// Divides by a power of the mean square over neighbouring channels: y = x / (bias + alpha / size · Σ x²)^beta. Input [N, C, ...].
///
/// Sources: Krizhevsky et al. 2012, section 3.3; ONNX operator LRN.
public struct LocalResponseNormalization: Operator {
  /// ONNX's name.
  public static let type = "LRN"
  /// x.
  public static let inputCount = 1...1
  /// Number of neighbouring channels, the channel itself among them.
  public var size: Int
  /// Factor of the mean square.
  public var alpha: Float
  /// The exponent.
  public var beta: Float
  /// Added to the mean square.
  public var bias: Float

  /// A local response normalisation.
  public init(size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    guard size > 0 else { throw ShapeError("LRN sums over \(size) channels, expected at least 1") }
    guard x.rank >= 2, x.dimensions[1].fixedSize != nil else { throw ShapeError("LRN needs channels on axis 1, found \(x)") }
    return [x]
  }
}

extension Operator {
  func checkEpsilon(_ epsilon: Float) throws(ShapeError) {
    guard epsilon >= 0, epsilon.isFinite else { throw ShapeError("\(Self.type) has epsilon \(epsilon), expected a finite number from 0") }
  }

  /// x [N, C, ...] with fixed positions, and C, for which there are a scale and a bias.
  fileprivate func channelNormalized(_ inputs: [TensorType?]) throws(ShapeError) -> (x: TensorType, channels: Int) {
    let x = try required(inputs, 0, "x")
    guard x.rank >= 2, let channels = x.dimensions[1].fixedSize, channels > 0, x.dimensions[2...].allSatisfy({ ($0.fixedSize ?? 0) > 0 }) else {
      throw ShapeError("\(Self.type) needs channels on axis 1 and fixed sizes above 0 behind them, found \(x)")
    }
    for (index, role) in ["scale", "bias"].enumerated() {
      let type = try required(inputs, index + 1, role)
      guard type.dimensions == [.fixed(channels)] else { throw ShapeError("\(Self.type) over \(channels) channels cannot take the \(role) \(type)") }
    }
    return (x, channels)
  }
}
