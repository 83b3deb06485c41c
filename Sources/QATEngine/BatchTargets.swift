/// What a network's outputs should be for a batch of samples, which stand one after the other. Lent by whoever holds the memory.
public struct BatchTargets {
  /// The targets themselves.
  public enum Values {
    /// There are none.
    case none
    /// Indices of classes: one a sample, or one a pixel or token. Below 0 where a position does not count.
    case classes(UnsafeBufferPointer<Int32>)
    /// Numbers: what a regression should give, a probability for each class, or 0 and 1 for each label.
    case numbers(UnsafeBufferPointer<Float>)
  }

  /// The targets themselves, as many elements for each sample.
  public let values: Values
  /// Number of samples.
  public let count: Int

  /// Targets of `count` samples.
  public init(_ values: Values, count: Int) {
    switch values {
    case .none: break
    case .classes(let classes): precondition(count == 0 || classes.count % count == 0, "\(classes.count) classes for \(count) samples")
    case .numbers(let numbers): precondition(count == 0 || numbers.count % count == 0, "\(numbers.count) numbers for \(count) samples")
    }
    self.values = values
    self.count = count
  }

  /// One class a sample.
  public init(classes: UnsafeBufferPointer<Int32>) { self.init(.classes(classes), count: classes.count) }
}

/// Targets of samples, in memory of their own.
public struct TargetValues: Sendable, Hashable {
  /// Indices of classes; empty where targets are none.
  public var classes: [Int32]
  /// Numbers; empty where targets are none.
  public var numbers: [Float]
  /// Number of samples.
  public var count: Int

  /// Targets of `count` samples: of the two kinds at most one.
  public init(classes: [Int32] = [], numbers: [Float] = [], count: Int) {
    precondition(classes.isEmpty || numbers.isEmpty, "targets are classes or numbers")
    self.classes = classes
    self.numbers = numbers
    self.count = count
  }

  /// Lends them.
  public func withBatch<Result>(_ body: (BatchTargets) throws -> Result) rethrows -> Result {
    try classes.withUnsafeBufferPointer { classes in
      try numbers.withUnsafeBufferPointer { numbers in
        try body(BatchTargets(!classes.isEmpty ? .classes(classes) : numbers.isEmpty ? .none : .numbers(numbers), count: count))
      }
    }
  }
}
