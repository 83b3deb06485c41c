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
  /// - Precondition: the size fits an integer, as `Graph.tensorTypes(batchSize:)` checks for every tensor of a graph.
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

  /// The product with another dimension, or nil when it overflows or would hold the batch twice.
  func multiplied(by other: Dimension) -> Dimension? {
    let (size, overflow) = coefficient.multipliedReportingOverflow(by: other.coefficient)
    if overflow { return nil }
    switch (self, other) {
    case (.fixed, .fixed): return .fixed(size)
    case (.batch, .fixed), (.fixed, .batch): return .batch(multiple: size)
    case (.batch, .batch): return nil
    }
  }

  /// The quotient by another dimension, or nil when it is not a whole number for every batch size.
  func divided(by other: Dimension) -> Dimension? {
    guard coefficient >= 0, other.coefficient > 0, coefficient % other.coefficient == 0 else { return nil }
    let size = coefficient / other.coefficient
    switch (self, other) {
    case (.fixed, .fixed), (.batch, .batch): return .fixed(size)
    case (.batch, .fixed): return .batch(multiple: size)
    case (.fixed, .batch): return nil
    }
  }

  /// The size, or how many times the batch size it is.
  private var coefficient: Int {
    switch self {
    case .fixed(let size): size
    case .batch(let multiple): multiple
    }
  }
}

extension Dimension: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// A known size.
  public init(integerLiteral value: Int) { self = .fixed(value) }

  /// The size as messages show it: `224`, `batch`, `49·batch`.
  public var description: String {
    switch self {
    case .fixed(let size): "\(size)"
    case .batch(multiple: 1): "batch"
    case .batch(let multiple): "\(multiple)·batch"
    }
  }
}

extension Collection<Dimension> {
  /// The product of all dimensions, or nil when it overflows or holds the batch twice.
  var product: Dimension? {
    reduce(.fixed(1)) { $0?.multiplied(by: $1) }
  }
}
