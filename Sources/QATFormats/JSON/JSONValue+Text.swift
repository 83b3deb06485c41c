extension JSONValue {
  /// How a value is laid out.
  public enum Layout: Sendable {
    /// One line without spaces: a row of a log.
    case oneLine
    /// Objects over several lines, indented by two spaces; arrays of scalars on one line.
    case indented
  }

  /// The value as JSON text; the same value always gives the same bytes.
  ///
  /// Numbers are the shortest decimals that read back as the same double. A number that is not finite becomes `null`, for which JSON has no other word.
  /// - Parameters:
  ///   - layout: one line or many; no line end follows the last character.
  ///   - sortedKeys: whether keys are sorted by their UTF-8 bytes instead of keeping their order.
  /// - Returns: the text.
  public func text(_ layout: Layout = .indented, sortedKeys: Bool = false) -> String {
    var text = ""
    write(to: &text, layout, sortedKeys, indentation: "")
    return text
  }

  private func write(to text: inout String, _ layout: Layout, _ sorted: Bool, indentation: String) {
    switch self {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .integer(let integer): text += "\(integer)"
    case .number(let number): text += number.isFinite ? "\(number)" : "null"
    case .string(let string): Self.write(string, to: &text)
    case .array(let elements):
      let breaks = layout == .indented && elements.contains { $0.isContainer }
      Self.write(elements.count, between: ("[", "]"), to: &text, layout, breaks: breaks, indentation) { text, index, inner in
        elements[index].write(to: &text, layout, sorted, indentation: inner)
      }
    case .object(let members):
      let ordered = sorted ? members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : members
      Self.write(ordered.count, between: ("{", "}"), to: &text, layout, breaks: layout == .indented, indentation) { text, index, inner in
        Self.write(ordered[index].key, to: &text)
        text += layout == .indented ? ": " : ":"
        ordered[index].value.write(to: &text, layout, sorted, indentation: inner)
      }
    }
  }

  private var isContainer: Bool {
    switch self {
    case .array(let elements): !elements.isEmpty
    case .object(let members): !members.isEmpty
    default: false
    }
  }

  private static func write(
    _ count: Int, between brackets: (String, String), to text: inout String, _ layout: Layout, breaks: Bool, _ indentation: String,
    _ element: (inout String, Int, String) -> Void
  ) {
    let inner = indentation + "  "
    text += brackets.0
    for index in 0..<count {
      if index > 0 { text += layout == .indented && !breaks ? ", " : "," }
      if breaks { text += "\n" + inner }
      element(&text, index, inner)
    }
    if breaks && count > 0 { text += "\n" + indentation }
    text += brackets.1
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
