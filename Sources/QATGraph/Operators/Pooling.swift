import QATTensor

/// The maximum under each window position; padding never wins. Input [N, C, H, W], output [N, C, H', W']. Source: ONNX operator MaxPool.
public struct MaxPool: Operator {
  public static let type = "MaxPool"
  public static let inputCount = 1...1
  /// Kernel size, strides, pads, dilations and rounding.
  public var window: Window

  /// A max pooling.
  public init(window: Window) { self.window = window }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { try pooled(required(inputs, 0, "x", rank: 4), window) }
}

/// The mean under each window position. Input [N, C, H, W], output [N, C, H', W']. Source: ONNX operator AveragePool.
public struct AveragePool: Operator {
  public static let type = "AveragePool"
  public static let inputCount = 1...1
  /// Kernel size, strides, pads, dilations and rounding.
  public var window: Window
  /// Whether padding counts in the divisor.
  public var countsPadding: Bool

  /// An average pooling.
  public init(window: Window, countsPadding: Bool = false) {
    self.window = window
    self.countsPadding = countsPadding
  }

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { try pooled(required(inputs, 0, "x", rank: 4), window) }
}

/// The mean over height and width. Input [N, C, H, W], output [N, C, 1, 1]. Source: ONNX operator GlobalAveragePool.
public struct GlobalAveragePool: Operator {
  public static let type = "GlobalAveragePool"
  public static let inputCount = 1...1

  /// A global average pooling.
  public init() {}

  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x", rank: 4)
    return [TensorType([x.dimensions[0], x.dimensions[1], 1, 1])]
  }
}

private func pooled(_ x: TensorType, _ window: Window) throws(ShapeError) -> [TensorType] {
  let size = try window.outputSize(for: window.imageSize(x))
  return [TensorType([x.dimensions[0], x.dimensions[1], .fixed(size[0]), .fixed(size[1])])]
}
