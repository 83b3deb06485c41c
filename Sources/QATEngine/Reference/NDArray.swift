import QATTensor
import RealModule

/// A dense array of one floating-point type, row-major: what the plain kernels compute with.
///
/// Networks run in Float; gradients are checked in Double.
public struct NDArray<Scalar: Real & BinaryFloatingPoint & Sendable>: Sendable, Hashable {
  /// Dimensions, outermost first. Never negative.
  public let shape: [Int]
  /// The elements in row-major order; always as many as the shape spans. Change them, never their number.
  public var elements: [Scalar]

  /// An array of given elements.
  /// - Precondition: `elements` holds as many elements as `shape` spans.
  public init(_ elements: [Scalar], shape: [Int]) {
    precondition(elements.count == shape.elementCount, "an array of shape \(shape) needs \(shape.elementCount) elements, not \(elements.count)")
    self.shape = shape
    self.elements = elements
  }

  /// An array with every element equal to `value`.
  public init(repeating value: Scalar, shape: [Int]) {
    self.init([Scalar](repeating: value, count: shape.elementCount), shape: shape)
  }

  /// The elements of a tensor of any type, converted (rounded to nearest where `Scalar` is too narrow; true becomes 1).
  public init(_ tensor: Tensor) {
    let elements: [Scalar]
    switch tensor.elements {
    case .float32(let values): elements = values.map { Scalar($0) }
    case .float64(let values): elements = values.map { Scalar($0) }
    case .int8(let values): elements = values.map { Scalar($0) }
    case .uint8(let values): elements = values.map { Scalar($0) }
    case .int32(let values): elements = values.map { Scalar($0) }
    case .int64(let values): elements = values.map { Scalar($0) }
    case .bool(let values): elements = values.map { $0 ? 1 : 0 }
    }
    self.init(elements, shape: tensor.shape)
  }

  /// Number of elements.
  public var count: Int { elements.count }

  /// The same elements in another shape.
  /// - Precondition: both shapes span the same number of elements.
  public func reshaped(_ shape: [Int]) -> NDArray { NDArray(elements, shape: shape) }

  /// The array with `transform` applied to each element.
  public func map(_ transform: (Scalar) -> Scalar) -> NDArray { NDArray(elements.map(transform), shape: shape) }

  /// Adds another array of the same shape.
  mutating func add(_ other: NDArray) {
    precondition(shape == other.shape, "cannot add gradients of shapes \(shape) and \(other.shape)")
    for index in elements.indices { elements[index] += other.elements[index] }
  }
}

extension NDArray where Scalar == Float {
  /// The array as a tensor.
  public var tensor: Tensor { Tensor(elements, shape: shape) }
}
