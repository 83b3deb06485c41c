extension JSONParser {
  /// Reads `true`, `false` or `null`, or explains what stands there instead.
  mutating func literal(path: String) throws(JSONError) -> JSONNode.Value {
    let word = self.word()
    switch word {
    case "true":
      index += 4
      return .bool(true)
    case "false":
      index += 5
      return .bool(false)
    case "null":
      index += 4
      return .null
    default: break
    }
    let remedy: String? =
      switch word.lowercased() {
      case "true", "false", "null": "write \(word.lowercased())"
      case "none", "nil": "write null"
      case "nan", "inf", "infinity": "JSON has no such number"
      case "" where next == UInt8(ascii: "'"): "text stands between double quotes"
      case "": nil
      default: "text stands between double quotes"
      }
    throw unexpected("a value", path: path, remedy: remedy)
  }

  /// Reads a number by JSON's grammar: `-`? digits without leading zero, a fraction with digits, an exponent with digits.
  mutating func number(path: String) throws(JSONError) -> JSONNumber {
    var end = index
    while end < bytes.count, isNumberLike(bytes[end]) { end += 1 }
    let token = bytes[index..<end]
    let text = String(decoding: token, as: UTF8.self)
    if let fault = numberFault(token) { throw error("found \(shortened(text)) where a number was expected; \(fault)", path: path) }
    guard let number = JSONNumber(text: text) else { throw error("the number \(shortened(text)) is beyond the range of a double", path: path) }
    index = end
    return number
  }

  /// The run of letters, digits and underscores that starts here.
  func word() -> String {
    var end = index
    while end < bytes.count, bytes[end] == UInt8(ascii: "_") || JSONPath.isAlphanumeric(bytes[end]) { end += 1 }
    return String(decoding: bytes[index..<end], as: UTF8.self)
  }

  /// Whether a number, or what somebody takes for one, starts with this byte.
  func startsNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }

  private func isNumberLike(_ byte: UInt8) -> Bool {
    JSONPath.isAlphanumeric(byte) || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains(byte)
  }

  private func shortened(_ text: String) -> String { text.utf8.count <= 40 ? text : "\(text.prefix(37))..." }

  /// Why a token is no number; nil when it is one.
  private func numberFault(_ token: ArraySlice<UInt8>) -> String? {
    var rest = token
    func digits() -> Int {
      let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "+") { return "a number has no leading '+'" }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let leading = rest.first
    switch digits() {
    case 0:
      let word = String(decoding: rest, as: UTF8.self).lowercased()
      return word == "inf" || word == "infinity" ? "JSON has no such number" : "at least one digit stands before anything else"
    case 2... where leading == UInt8(ascii: "0"): return "a number has no leading zeros"
    default: break
    }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      if digits() == 0 { return "at least one digit follows the point" }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      if digits() == 0 { return "the exponent has no digits" }
    }
    return rest.isEmpty ? nil : "it does not go on with \"\(shortened(String(decoding: rest, as: UTF8.self)))\""
  }
}
