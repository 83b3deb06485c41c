extension JSONParser {
  /// Reads a text from its opening to its closing quote.
  mutating func string(path: String) throws(JSONError) -> String {
    let (_, column) = place()
    index += 1
    var contents: [UInt8] = []
    while true {
      guard let byte = next else { throw error("found the end of the file in the text that starts in column \(column); '\"' is missing", path: path) }
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return String(decoding: contents, as: UTF8.self)
      case UInt8(ascii: "\\"):
        try escape(into: &contents, path: path)
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        throw error("found the end of the line in the text that starts in column \(column); '\"' is missing, or write \\n", path: path)
      case 0..<0x20:
        throw error("found \(found()) in a text; write it as an escape such as \\t or \\u0001", path: path)
      default:
        contents.append(byte)
        index += 1
      }
    }
  }

  private mutating func escape(into contents: inout [UInt8], path: String) throws(JSONError) {
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"), UInt8(ascii: "/"): UInt8(ascii: "/"),
      UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]
    let kind = index + 1 < bytes.count ? bytes[index + 1] : 0
    if let byte = simple[kind] {
      contents.append(byte)
      index += 2
      return
    }
    guard kind == UInt8(ascii: "u") else {
      throw error("found an unknown escape after '\\'; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX", path: path)
    }
    let start = index
    let first = try codeUnit(path: path)
    switch first {
    case 0xD800..<0xDC00:
      guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
        index = start
        throw error("found half a surrogate pair; a second \\u escape from DC00 to DFFF was expected after it", path: path)
      }
      let second = try codeUnit(path: path)
      guard (0xDC00..<0xE000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
        index = start
        throw error("found half a surrogate pair; a second \\u escape from DC00 to DFFF was expected after it", path: path)
      }
      contents.append(contentsOf: Character(scalar).utf8)
    default:
      guard let scalar = Unicode.Scalar(first) else {
        index = start
        throw error("found the second half of a surrogate pair without its first", path: path)
      }
      contents.append(contentsOf: Character(scalar).utf8)
    }
  }

  /// Reads `\uXXXX`, which starts here.
  private mutating func codeUnit(path: String) throws(JSONError) -> UInt32 {
    let digits = bytes[index...].dropFirst(2).prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw error("found an incomplete escape; four hexadecimal digits were expected after \\u", path: path) }
    index += 6
    return unit
  }

  /// Refuses files that are not UTF-8, with the place of the first wrong byte.
  mutating func checkEncoding() throws(JSONError) {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw error("found UTF-16; save the file as UTF-8", path: "")
    }
    var decoder = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var position = 0
    while true {
      switch decoder.parseScalar(from: &iterator) {
      case .valid(let scalar): position += scalar.count
      case .emptyInput: return
      case .error:
        // Walk there by lines, so that the message has line and column.
        while let newline = bytes[index..<position].firstIndex(of: UInt8(ascii: "\n")) {
          index = newline
          newLine()
        }
        index = position
        throw error(
          "found the byte 0x\(String(bytes[position], radix: 16, uppercase: true)), which is not valid UTF-8; save the file as UTF-8", path: "")
      }
    }
  }
}
