import QATTensor

/// One dimension of a tensor: a number, or a multiple of the batch size, which is known only when a plan is compiled.
public enum Dimension: Sendable, Hashable {
  /// A known size.
  case fixed(Int)
  /// `multiple` × the batch size. A transformer that merges batch and tokens has multiples above 1.
  case batch(multiple: Int)

  /// The batch size itself.
  public static let batch = Dimension.batch(multiple: 1)

  /// The size when the batch holds `batchSize` samples.
  public func resolved(batchSize: Int) -> Int {
    switch self {
    case .fixed(let size): size
    case .batch(let multiple): multiple * batchSize
    }
  }

  /// The size, when it does not depend on the batch.
  public var fixedSize: Int? {
    if case .fixed(let size) = self { size } else { nil }
  }
}

extension Dimension: ExpressibleByIntegerLiteral, CustomStringConvertible {
  public init(integerLiteral value: Int) { self = .fixed(value) }

  public var description: String {
    switch self {
    case .fixed(let size): "\(size)"
    case .batch(multiple: 1): "batch"
    case .batch(let multiple): "\(multiple)·batch"
    }
  }
}

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
  public func shape(batchSize: Int) -> [Int] { dimensions.map { $0.resolved(batchSize: batchSize) } }

  public var description: String { "\(elementType)[\(dimensions.map(\.description).joined(separator: ", "))]" }
}
