import QATTensor

/// The maximum under each window position; padding never wins. Input [N, C, H, W], or with one or three spatial
/// dimensions; output [N, C, H', W'], and perhaps where each maximum stands. Source: ONNX operator MaxPool.
public struct MaxPool: Operator {
  /// ONNX's name.
  public static let type = "MaxPool"
  /// x.
  public static let inputCount = 1...1
  /// Kernel size, strides, pads, dilations and rounding.
  public var window: Window
  /// How the second output, if there is one, counts the places of the maxima.
  public var places: Places?

  /// How the elements of x are counted. Channels and samples always follow each other.
  public enum Places: Sendable, Hashable {
    /// The last spatial dimension runs fastest, as the elements lie.
    case rowMajor
    /// The first spatial dimension runs fastest.
    case columnMajor
  }

  /// A max pooling.
  public init(window: Window, places: Places? = nil) {
    self.window = window
    self.places = places
  }

  /// [N, C, H', W'], with `places` twice, the second one of int64.
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let types = try pooled(required(inputs, 0, "x", rank: window.kernel.count + 2), window)
    return places == nil ? types : types + [TensorType(types[0].dimensions, .int64)]
  }
}

/// The mean under each window position. Input [N, C, H, W], or with one or three spatial dimensions; output [N, C, H', W'].
///
/// Source: ONNX operator AveragePool.
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
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    try pooled(required(inputs, 0, "x", rank: window.kernel.count + 2), window)
  }
}

/// The Euclidean or another norm under each window position: (Σ |x|ᵖ)^(1/p). Input [N, C, H, W], output [N, C, H', W']. Source: ONNX operator LpPool.
public struct LpPool: Operator {
  /// ONNX's name.
  public static let type = "LpPool"
  /// x.
  public static let inputCount = 1...1
  /// Kernel size, strides, pads, dilations and rounding.
  public var window: Window
  /// The norm's p. At least 1.
  public var p: Int

  /// A norm pooling.
  public init(window: Window, p: Int = 2) {
    self.window = window
    self.p = p
  }

  /// [N, C, H', W'].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    guard (1...1 << 16).contains(p) else { throw ShapeError("LpPool has p = \(p), expected at least 1") }
    return try pooled(required(inputs, 0, "x", rank: window.kernel.count + 2), window)
  }
}

/// An operator that makes one number of each channel's positions. Input [N, C, H, W], or with one or three spatial dimensions; output [N, C, 1, 1].
public protocol GlobalPoolingOperator: Operator {}

extension GlobalPoolingOperator {
  /// x.
  public static var inputCount: ClosedRange<Int> { 1...1 }

  /// [N, C, 1, 1].
  public func outputTypes(for inputs: [TensorType?]) throws(ShapeError) -> [TensorType] {
    let x = try required(inputs, 0, "x")
    guard (3...5).contains(x.rank) else { throw ShapeError("\(Self.type) needs an 'x' of 3 to 5 dimensions, found \(x)") }
    guard x.dimensions[2...].allSatisfy({ ($0.fixedSize ?? 0) > 0 }) else {
      throw ShapeError("\(Self.type) needs fixed spatial dimensions above 0, found \(x)")
    }
    return [TensorType(x.dimensions[..<2] + x.dimensions[2...].map { _ in 1 })]
  }
}

/// The mean over all positions. Source: ONNX operator GlobalAveragePool.
public struct GlobalAveragePool: GlobalPoolingOperator {
  /// ONNX's name.
  public static let type = "GlobalAveragePool"
  /// A global average pooling.
  public init() {}
}

/// The maximum over all positions. Source: ONNX operator GlobalMaxPool.
public struct GlobalMaxPool: GlobalPoolingOperator {
  /// ONNX's name.
  public static let type = "GlobalMaxPool"
  /// A global max pooling.
  public init() {}
}

extension Operator {
  fileprivate func pooled(_ x: TensorType, _ window: Window) throws(ShapeError) -> [TensorType] {
    let size = try window.outputSize(for: window.imageSize(x))
    // A wider pad would leave windows that see no element; ONNX Runtime and PyTorch refuse it too.
    guard zip(window.pads, window.kernel + window.kernel).allSatisfy(<) else {
      throw ShapeError("\(Self.type) has pads \(window.pads), which must be smaller than the kernel \(window.kernel)")
    }
    return [TensorType(x.dimensions[..<2] + size.map(Dimension.fixed))]
  }
}
