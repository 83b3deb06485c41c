import QATTensor

/// Batch normalisation over all axes but the channel axis 1: y = (x − mean) / √(variance + epsilon) · gamma + beta.
///
/// Inputs: x [N, C, ...], gamma [C], beta [C], running mean [C], running variance [C]. In training the batch's own mean and biased variance normalise,
/// and the running statistics move: running = momentum · running + (1 − momentum) · batch, where the variance that enters is the unbiased one.
///
/// Sources: Ioffe and Szegedy 2015, arXiv:1502.03167; ONNX operator BatchNormalization, whose momentum is the kept fraction (PyTorch's is 1 minus it).
public struct BatchNormalization: Operator {
  /// ONNX's name.
  public static let type = "BatchNormalization"
  /// x, gamma, beta, running mean and running variance.
  public static let inputCount = 5...5
  /// Added to the variance. Not negative.
  public var epsilon: Float
  /// Fraction of the running statistics that one training step keeps, in 0...1.
  public var momentum: Float
  /// Whether the running statistics normalise in training as well, and stay as they are.
  public var isFrozen = false

  /// A batch normalisation.
  public init(epsilon: Float = 1e-5, momentum: Float = 0.9) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// The type of x.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    guard epsilon >= 0, epsilon.isFinite else { throw ShapeError("BatchNormalization has epsilon \(epsilon), expected a finite number from 0") }
    guard momentum >= 0, momentum <= 1 else { throw ShapeError("BatchNormalization has momentum \(momentum), expected 0 to 1") }
    guard x.rank >= 2, let channels = x.dimensions[1].fixedSize else { throw ShapeError("BatchNormalization needs channels on axis 1, found \(x)") }
    for (index, role) in ["gamma", "beta", "mean", "variance"].enumerated() {
      let type = try required(inputs, index + 1, role)
      guard type.dimensions == [.fixed(channels)] else {
        throw ShapeError("BatchNormalization over \(channels) channels cannot take \(role) \(type)")
      }
    }
    return [x]
  }
}
