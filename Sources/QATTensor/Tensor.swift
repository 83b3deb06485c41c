/// A dense tensor on the host: a shape and its elements in row-major order. A value, copied on write.
///
/// The element count always equals the product of the shape's dimensions; a scalar has an empty shape and one element.
public struct Tensor: Sendable, Hashable {
  /// Dimensions, outermost first. Never negative.
  public let shape: [Int]
  /// The elements in row-major order.
  public let elements: Elements

  /// Elements of one type.
  public enum Elements: Sendable, Hashable {
    /// Of float32.
    case float32([Float])
    /// Of float64.
    case float64([Double])
    /// Of int8.
    case int8([Int8])
    /// Of uint8.
    case uint8([UInt8])
    /// Of int32.
    case int32([Int32])
    /// Of int64.
    case int64([Int64])
    /// Of bool.
    case bool([Bool])
  }

  /// Creates a tensor.
  /// - Precondition: `elements` holds as many elements as `shape` spans, and no dimension is negative. Readers of files check this first and throw their
  ///   own error.
  public init(shape: [Int], elements: Elements) {
    precondition(elements.count == shape.checkedElementCount, "a tensor of shape \(shape) cannot have \(elements.count) elements")
    self.shape = shape
    self.elements = elements
  }

  /// A float32 tensor.
  public init(_ values: [Float], shape: [Int]) {
    self.init(shape: shape, elements: .float32(values))
  }

  /// A float32 tensor with every element equal to `value`.
  public init(repeating value: Float, shape: [Int]) {
    self.init([Float](repeating: value, count: shape.elementCount), shape: shape)
  }

  /// An int64 vector, the type ONNX uses for shapes and axes.
  public init(int64 values: [Int64]) {
    self.init(shape: [values.count], elements: .int64(values))
  }

  /// Number of elements.
  public var count: Int { elements.count }

  /// The type of the elements.
  public var elementType: ElementType { elements.type }

  /// The elements as float32, or nil when they are of another type. Does not convert.
  public var floats: [Float]? {
    if case .float32(let values) = elements { values } else { nil }
  }

  /// The elements as whole numbers, or nil when they are not of an integer type.
  public var integers: [Int]? {
    switch elements {
    case .int8(let values): values.map(Int.init)
    case .uint8(let values): values.map(Int.init)
    case .int32(let values): values.map(Int.init)
    case .int64(let values): values.map(Int.init)
    case .float32, .float64, .bool: nil
    }
  }

  /// The same elements in another shape.
  /// - Precondition: both shapes span the same number of elements.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, elements: elements) }
}

extension Tensor.Elements {
  /// Number of elements.
  public var count: Int {
    switch self {
    case .float32(let values): values.count
    case .float64(let values): values.count
    case .int8(let values): values.count
    case .uint8(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .bool(let values): values.count
    }
  }

  /// The type of the elements.
  public var type: ElementType {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .int8: .int8
    case .uint8: .uint8
    case .int32: .int32
    case .int64: .int64
    case .bool: .bool
    }
  }
}
