import QATTensor

/// An operator that makes each line of numbers along an axis into as many others.
public protocol LineOperator: Operator {
  /// The axis; negative counts from the end.
  var axis: Int { get }
}

extension LineOperator {
  /// x.
  public static var inputCount: ClosedRange<Int> { 1...1 }

  /// The type of x. The axis must not be the batch's: a sample's result depends on that sample alone.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    guard x.dimensions[try normalized(axis: axis, rank: x.rank)].fixedSize != nil else {
      throw ShapeError("\(Self.type) over the batch dimension is not supported")
    }
    return [x]
  }
}

/// exp(x) / Σ exp(x) along `axis`.
public struct Softmax: LineOperator {
  /// ONNX's name.
  public static let type = "Softmax"
  /// The axis that sums to 1; negative counts from the end.
  public var axis: Int

  /// A softmax.
  public init(axis: Int = -1) { self.axis = axis }
}

/// The logarithm of the softmax along `axis`: x − log Σ exp(x).
public struct LogSoftmax: LineOperator {
  /// ONNX's name.
  public static let type = "LogSoftmax"
  /// The axis whose exponentials sum to 1; negative counts from the end.
  public var axis: Int

  /// A logarithm of a softmax.
  public init(axis: Int = -1) { self.axis = axis }
}
