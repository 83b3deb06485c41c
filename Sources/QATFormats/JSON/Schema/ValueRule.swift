/// How one kind of value is read from a configuration, checked, and written back.
public struct ValueRule<Value: Sendable>: Sendable {
  /// What is accepted, as it completes "expected ...".
  public var expectation: String
  /// Reads a value; notes what is wrong and returns nil when it is not acceptable.
  public var read: @Sendable (JSONNode, inout ProblemList) -> Value?
  /// Writes a value; nil when there is nothing to write.
  public var write: @Sendable (Value) -> JSONValue?

  /// A rule from its parts.
  public init(
    expecting expectation: String, read: @escaping @Sendable (JSONNode, inout ProblemList) -> Value?,
    write: @escaping @Sendable (Value) -> JSONValue?
  ) {
    self.expectation = expectation
    self.read = read
    self.write = write
  }

  /// A rule for values that one look at the node decides.
  public init(
    expecting expectation: String, from: @escaping @Sendable (JSONNode) -> Value?, write: @escaping @Sendable (Value) -> JSONValue?
  ) {
    self.init(
      expecting: expectation,
      read: { node, problems in
        if let value = from(node) { return value }
        problems.error("found \(node.summary); expected \(expectation)", at: node)
        return nil
      },
      write: write)
  }
}

extension ValueRule where Value == Bool {
  /// `true` or `false`.
  public static let bool = ValueRule(expecting: "true or false", from: \.bool, write: { .bool($0) })
}

extension ValueRule where Value == String {
  /// Any text that is not empty.
  public static let text = ValueRule(
    expecting: "a text that is not empty", from: { $0.string.flatMap { $0.isEmpty || $0.contains("\0") ? nil : $0 } }, write: { .string($0) })
}

extension ValueRule where Value == Int {
  /// An integer of at least `minimum`. `4.0` is an integer, as in JSON Schema.
  public static func integer(atLeast minimum: Int, atMost maximum: Int = .max) -> ValueRule {
    ValueRule(
      expecting: maximum == .max ? "an integer of at least \(minimum)" : "an integer from \(minimum) to \(maximum)",
      from: { $0.number?.integer.flatMap { (minimum...maximum).contains($0) ? $0 : nil } }, write: { .integer($0) })
  }
}

extension ValueRule where Value == UInt64 {
  /// An integer from 0 to 2^63 - 1.
  public static let seed = ValueRule(
    expecting: "an integer from 0 to \(Int.max)", from: { $0.number?.integer.flatMap { UInt64(exactly: $0) } },
    // A seed beyond that range, set in code, is written as what no reader takes for a seed.
    write: { seed in Int(exactly: seed).map(JSONValue.integer) ?? .number(Double(seed)) })
}

extension ValueRule where Value == Double {
  /// A number for which `condition` holds.
  /// - Parameters:
  ///   - expectation: what is accepted, such as "a number above 0".
  ///   - condition: whether a finite number is acceptable.
  /// - Returns: the rule.
  public static func number(_ expectation: String, where condition: @escaping @Sendable (Double) -> Bool) -> ValueRule {
    ValueRule(expecting: expectation, from: { $0.number.flatMap { condition($0.double) ? $0.double : nil } }, write: { .number($0) })
  }

  /// Any finite number.
  public static let number = number("a number") { _ in true }
  /// A number above zero.
  public static let positive = number("a number above 0") { $0 > 0 }
  /// Zero or above.
  public static let nonnegative = number("a number of at least 0") { $0 >= 0 }
}

extension ValueRule where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of an enumeration's words.
  /// - Parameters:
  ///   - values: the cases that are accepted; all of them unless said otherwise.
  ///   - known: words of other programs or versions, and what to say of each.
  /// - Returns: the rule.
  public static func choice(among values: [Value] = Array(Value.allCases), known: [String: String] = [:]) -> ValueRule {
    let words = values.map(\.rawValue)
    let list = words.map { "\"\($0)\"" }.joined(separator: words.count == 2 ? " or " : ", ")
    let expected = words.count > 2 ? "one of \(list)" : list
    return ValueRule(
      expecting: expected,
      read: { node, problems in
        guard let word = node.string else {
          problems.error("found \(node.summary); expected \(expected)", at: node)
          return nil
        }
        if words.contains(word) { return Value(rawValue: word) }
        if let reason = known[word] {
          problems.error("\"\(word)\" \(reason); expected \(expected)", at: node)
        } else {
          let hint = NearestWord.to(word, among: words + known.keys.sorted()).map { "; did you mean \"\($0)\"?" } ?? ""
          problems.error("found \(node.summary); expected \(expected)\(hint)", at: node)
        }
        return nil
      },
      write: { .string($0.rawValue) })
  }
}
