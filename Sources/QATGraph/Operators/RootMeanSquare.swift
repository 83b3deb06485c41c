import QATTensor

/// Divides by the root of the mean square over the last axes: y = x / √(mean(x²) + epsilon) · scale.
///
/// Inputs: x, scale, which is broadcast to x. Sources: Zhang and Sennrich 2019, arXiv:1910.07467; ONNX operator RMSNormalization.
public struct RMSNormalization: Operator {
  /// ONNX's name.
  public static let type = "RMSNormalization"
  /// x and scale.
  public static let inputCount = 2...2
  /// How many of the last axes are normalised together. At least 1.
  public var axisCount: Int
  /// Added to the mean square. Not negative.
  public var epsilon: Float

  /// A normalisation.
  public init(axisCount: Int = 1, epsilon: Float = 1e-5) {
    self.axisCount = axisCount
    self.epsilon = epsilon
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let scale = try required(inputs, 1, "scale")
    try checkEpsilon(epsilon)
    guard axisCount >= 1, axisCount <= x.rank, x.dimensions.suffix(axisCount).allSatisfy({ ($0.fixedSize ?? 0) > 0 }) else {
      throw ShapeError("RMSNormalization over the last \(axisCount) axes needs fixed sizes above 0 there, found \(x)")
    }
    guard broadcast(x.dimensions, scale.dimensions) == x.dimensions else {
      throw ShapeError("RMSNormalization of \(x) cannot broadcast the scale \(scale)")
    }
    return [x]
  }
}
