import QATGraph
import QATTensor

/// A scalar or vector of integers, each known or a multiple of the batch size: what the shape arithmetic of a file computes.
package struct SymbolicIntegers: Equatable {
  /// The elements; exactly one for a scalar.
  package var elements: [Dimension]
  /// Whether the value has rank 0 rather than 1.
  package var isScalar = false

  /// All elements, when none depends on the batch.
  package var known: [Int]? {
    let sizes = elements.compactMap(\.fixedSize)
    return sizes.count == elements.count ? sizes : nil
  }

  /// The integers as a constant, when all are known.
  package var tensor: Tensor? {
    guard let known else { return nil }
    return Tensor(shape: isScalar ? [] : [known.count], elements: .int64(known.map(Int64.init)))
  }

  /// The integers of a constant, or nil when it is not an integer scalar or vector.
  package init?(_ tensor: Tensor) {
    guard tensor.shape.count < 2, let integers = tensor.integers else { return nil }
    self.init(elements: integers.map(Dimension.fixed), isScalar: tensor.shape.isEmpty)
  }

  package init(elements: [Dimension], isScalar: Bool = false) {
    self.elements = elements
    self.isScalar = isScalar
  }

  /// Applies `operation` element by element; a single element meets every element of the other side.
  /// - Returns: nil when the counts do not fit or `operation` gives nil, as for a sum with the batch size.
  package static func combine(_ a: Self, _ b: Self, _ operation: (Dimension, Dimension) -> Dimension?) -> Self? {
    let count = max(a.elements.count, b.elements.count)
    guard [1, count].contains(a.elements.count), [1, count].contains(b.elements.count) else { return nil }
    var elements: [Dimension] = []
    for index in 0..<count {
      guard let result = operation(a.elements[a.elements.count == 1 ? 0 : index], b.elements[b.elements.count == 1 ? 0 : index]) else { return nil }
      elements.append(result)
    }
    return Self(elements: elements, isScalar: a.isScalar && b.isScalar)
  }
}

/// Integer arithmetic of dimensions. nil stands for what cannot be said: an overflow, or a value that is no multiple of the batch size.
extension Dimension {
  package static func product(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)): checked(x.multipliedReportingOverflow(by: y)).map(Dimension.fixed)
    case (.batch(let x), .fixed(let y)), (.fixed(let x), .batch(let y)):
      // A negative size is nonsense, and −1 would later be taken for an open one.
      y == 0 || x == 0 ? .fixed(0) : x < 0 || y < 0 ? nil : checked(x.multipliedReportingOverflow(by: y)).map(Dimension.batch)
    case (.batch, .batch): nil
    }
  }

  /// The quotient rounded towards zero, as ONNX divides integers; with the batch only when it divides exactly.
  package static func quotient(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (_, .fixed(0)): nil
    case (.fixed(let x), .fixed(let y)): checked(x.dividedReportingOverflow(by: y)).map(Dimension.fixed)
    case (.batch(let x), .fixed(let y)): y > 0 && x % y == 0 ? .batch(multiple: x / y) : nil
    case (.batch(let x), .batch(let y)): x % y == 0 ? .fixed(x / y) : nil
    case (.fixed, .batch): nil
    }
  }

  /// What remains of a division that rounds down; with the batch only when nothing does.
  package static func remainder(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)):
      guard y != 0, y != -1 else { return y == 0 ? nil : 0 }
      let rest = x % y
      return .fixed(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest)
    case (.batch(let x), .fixed(let y)): return y > 0 && x % y == 0 ? 0 : nil
    default: return nil
    }
  }

  package static func sum(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)): checked(x.addingReportingOverflow(y)).map(Dimension.fixed)
    case (.batch(let x), .batch(let y)): checked(x.addingReportingOverflow(y)).map(Dimension.batch)
    case (let x, .fixed(0)), (.fixed(0), let x): x
    default: nil
    }
  }

  package static func difference(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)): checked(x.subtractingReportingOverflow(y)).map(Dimension.fixed)
    case (.batch(let x), .batch(let y)): x == y ? .fixed(0) : x > y ? .batch(multiple: x - y) : nil
    case (let x, .fixed(0)): x
    default: nil
    }
  }

  /// The larger of two; a batch has at least one sample.
  package static func larger(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)): .fixed(max(x, y))
    case (.batch(let x), .batch(let y)): .batch(multiple: max(x, y))
    case (.batch(let x), .fixed(let y)), (.fixed(let y), .batch(let x)): y <= x ? .batch(multiple: x) : nil
    }
  }

  /// The smaller of two; a batch has at least one sample.
  package static func smaller(_ a: Dimension, _ b: Dimension) -> Dimension? {
    switch (a, b) {
    case (.fixed(let x), .fixed(let y)): .fixed(min(x, y))
    case (.batch(let x), .batch(let y)): .batch(multiple: min(x, y))
    case (.batch(let x), .fixed(let y)), (.fixed(let y), .batch(let x)): y <= x ? .fixed(y) : nil
    }
  }

  private static func checked(_ result: (partialValue: Int, overflow: Bool)) -> Int? { result.overflow ? nil : result.partialValue }
}

extension [Dimension] {
  /// The most elements a tensor of a file may have for a batch of one: far more than any machine holds, and far below what overflows an integer.
  package static var maximumElementCount: Int { 1 << 40 }

  /// The product of all dimensions other than zero, for a batch of one; nil when it exceeds `maximumElementCount` or a dimension is negative.
  package var boundedElementCount: Int? {
    var total = 1
    for dimension in self {
      let size = dimension.resolved(batchSize: 1)
      guard size >= 0 else { return nil }
      let (product, overflow) = total.multipliedReportingOverflow(by: Swift.max(size, 1))
      guard !overflow, product <= Self.maximumElementCount else { return nil }
      total = product
    }
    return total
  }
}
