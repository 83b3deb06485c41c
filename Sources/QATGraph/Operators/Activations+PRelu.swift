import QATTensor

/// x for x > 0, else slope · x, with the slope broadcast to x. Inputs: x, slope. Source: He et al. 2015, arXiv:1502.01852.
public struct PRelu: Operator {
  /// ONNX's name.
  public static let type = "PRelu"
  /// x and slope.
  public static let inputCount = 2...2
  /// A ReLU with a trained slope.
  public init() {}

  /// The type of x. The slope is broadcast to it, never the other way round.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    let slope = try required(inputs, 1, "slope")
    guard broadcast(x.dimensions, slope.dimensions) == x.dimensions else { throw ShapeError("PRelu of \(x) cannot broadcast the slope \(slope)") }
    return [x]
  }
}
