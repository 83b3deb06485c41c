import QATTensor

/// What is known of a tensor before it is computed: its element type and its dimensions.
public struct TensorType: Sendable, Hashable, CustomStringConvertible {
  /// Type of the elements.
  public var elementType: ElementType
  /// Dimensions, outermost first.
  public var dimensions: [Dimension]

  /// A type; float32 unless said otherwise.
  public init(_ dimensions: [Dimension], _ elementType: ElementType = .float32) {
    self.elementType = elementType
    self.dimensions = dimensions
  }

  /// The type of a tensor that exists.
  public init(_ tensor: Tensor) {
    self.init(tensor.shape.map(Dimension.fixed), tensor.elementType)
  }

  /// Number of dimensions.
  public var rank: Int { dimensions.count }

  /// The shape when the batch holds `batchSize` samples.
  /// - Precondition: the sizes fit an integer, as `elementCount(batchSize:)` tells.
  public func shape(batchSize: Int) -> [Int] { dimensions.map { $0.resolved(batchSize: batchSize) } }

  /// The number of elements when the batch holds `batchSize` samples, or nil when a dimension is negative or there are more than 2⁴⁰ of them: far more than
  /// any machine holds, and few enough that sizes in bytes and padded layouts do not overflow. Dimensions of size zero do not hide a product of
  /// the others that is too large.
  public func elementCount(batchSize: Int) -> Int? {
    var sizes: [Int] = []
    for dimension in dimensions {
      switch dimension {
      case .fixed(let size): sizes.append(size)
      case .batch(let multiple):
        let (size, overflow) = multiple.multipliedReportingOverflow(by: batchSize)
        if overflow { return nil }
        sizes.append(size)
      }
    }
    guard let known = sizes.filter({ $0 != 0 }).checkedElementCount, known <= 1 << 40 else { return nil }
    return sizes.contains(0) ? 0 : known
  }

  /// The type as messages show it: `float32[batch, 3, 224, 224]`.
  public var description: String { "\(elementType)[\(dimensions.map(\.description).joined(separator: ", "))]" }
}
