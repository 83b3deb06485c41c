import QATTensor

/// The maximum under each window position; padding never wins. Input [N, C, H, W], output [N, C, H', W']. Source: ONNX operator MaxPool.
public struct MaxPool: Operator {
  /// ONNX's name.
  public static let type = "MaxPool"
  /// x.
  public static let inputCount = 1...1
  /// Kernel size, strides, pads, dilations and rounding.
  public var window: Window

  /// A max pooling.
  public init(window: Window) { self.window = window }

  /// [N, C, H', W'].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { try pooled(required(inputs, 0, "x", rank: 4), window) }
}

/// The mean under each window position. Input [N, C, H, W], output [N, C, H', W']. Source: ONNX operator AveragePool.
public struct AveragePool: Operator {
  /// ONNX's name.
  public static let type = "AveragePool"
  /// x.
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

  /// [N, C, H', W'].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] { try pooled(required(inputs, 0, "x", rank: 4), window) }
}

/// The mean over height and width. Input [N, C, H, W], output [N, C, 1, 1]. Source: ONNX operator GlobalAveragePool.
public struct GlobalAveragePool: Operator {
  /// ONNX's name.
  public static let type = "GlobalAveragePool"
  /// x.
  public static let inputCount = 1...1

  /// A global average pooling.
  public init() {}

  /// [N, C, 1, 1].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x", rank: 4)
    guard x.dimensions[2...].allSatisfy({ ($0.fixedSize ?? 0) > 0 }) else {
      throw ShapeError("GlobalAveragePool needs a fixed height and width above 0, found \(x)")
    }
    return [TensorType([x.dimensions[0], x.dimensions[1], 1, 1])]
  }
}

extension Operator {
  fileprivate func pooled(_ x: TensorType, _ window: Window) throws(ShapeError) -> [TensorType] {
    let size = try window.outputSize(for: window.imageSize(x))
    // A wider pad would leave windows that see no element; ONNX Runtime and PyTorch refuse it too.
    guard zip(window.pads, window.kernel + window.kernel).allSatisfy(<) else {
      throw ShapeError("\(Self.type) has pads \(window.pads), which must be smaller than the kernel \(window.kernel)")
    }
    return [TensorType([x.dimensions[0], x.dimensions[1], .fixed(size[0]), .fixed(size[1])])]
  }
}
