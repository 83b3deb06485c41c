/// A value of a JSON document that knows where it stands.
public struct JSONNode: Sendable {
  /// What the node holds.
  public enum Value: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as it is spelt.
    case number(JSONNumber)
    /// A string without its escapes.
    case string(String)
    /// The elements of an array.
    case array([JSONNode])
    /// The members of an object, in the order of the file.
    case object([JSONMember])
  }

  /// What the node holds.
  public var value: Value
  /// Line of the value's first character, from 1.
  public var line: Int
  /// Column of the value's first character in Unicode scalars, from 1.
  public var column: Int
  /// The way from the root, such as `compression[0].initializer.range.type`; empty at the root.
  public var path: String

  /// The member of an object with this key; nil when there is none or the node is no object.
  public subscript(key: String) -> JSONNode? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The text, when the node is one.
  public var string: String? {
    if case .string(let text) = value { text } else { nil }
  }

  /// The number, when the node is one.
  public var number: JSONNumber? {
    if case .number(let number) = value { number } else { nil }
  }

  /// The truth value, when the node is one.
  public var bool: Bool? {
    if case .bool(let bool) = value { bool } else { nil }
  }

  /// The elements, when the node is an array.
  public var array: [JSONNode]? {
    if case .array(let elements) = value { elements } else { nil }
  }

  /// The members in the order of the file, when the node is an object.
  public var members: [JSONMember]? {
    if case .object(let members) = value { members } else { nil }
  }

  /// What the node holds, short enough for a message.
  public var summary: String {
    switch value {
    case .null: "null"
    case .bool(let bool): "\(bool)"
    case .number(let number): number.text
    case .string(let text): text.count <= 60 ? "\"\(text)\"" : "\"\(text.prefix(57))...\""
    case .array(let elements): "an array of \(elements.count)"
    case .object: "an object"
    }
  }
}

/// A key of an object and its value.
public struct JSONMember: Sendable {
  /// The key.
  public var key: String
  /// Line of the key, from 1.
  public var line: Int
  /// Column of the key in Unicode scalars, from 1.
  public var column: Int
  /// The value.
  public var value: JSONNode
}

/// A number as it was written, so that 64-bit integers lose nothing.
public struct JSONNumber: Sendable, Hashable {
  /// The number's text, valid by JSON's grammar.
  public let text: String
  /// The nearest double; always finite.
  public let double: Double

  /// A number from valid text; nil when it exceeds a double's range.
  init?(text: String) {
    guard let double = Double(text), double.isFinite else { return nil }
    self.text = text
    self.double = double
  }

  /// The integer that the number is, nil when it has a fraction or does not fit. `2`, `2.0` and `2e0` are the same integer, as in JSON Schema.
  public var integer: Int? {
    if let integer = Int(text) { return integer }
    // Beyond 2^53 a double stands for many integers, so the text must say it without exponent or point.
    guard text.contains(where: { $0 == "." || $0 == "e" || $0 == "E" }), double.magnitude <= 0x1p53 else { return nil }
    return Int(exactly: double)
  }
}
