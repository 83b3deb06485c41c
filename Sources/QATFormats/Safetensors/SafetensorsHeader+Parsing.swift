/// Reads the header's JSON. The format allows only objects of a fixed depth, so the reader knows what must come next and never recurses.
extension SafetensorsHeader {
  /// Parses the header's bytes.
  /// - Throws: `SafetensorsError` with the byte of the header at which it is not what the format asks for.
  init(parsing bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
    var reader = HeaderReader(bytes: bytes)
    guard bytes.first == UInt8(ascii: "{") else { throw reader.error("the header must begin with '{'") }
    var names = Set<String>()
    var header = SafetensorsHeader()
    try reader.object { (name, reader) throws(SafetensorsError) in
      guard names.insert(name).inserted else { throw reader.error("the name '\(name)' occurs twice") }
      if name == "__metadata__" {
        try reader.object { (key, reader) throws(SafetensorsError) in
          let value = try reader.string()
          guard header.metadata.updateValue(value, forKey: key) == nil else { throw reader.error("the metadata key '\(key)' occurs twice") }
        }
      } else {
        header.entries.append(try Self.entry(name, &reader))
      }
    }
    try reader.end()
    self = header
  }

  private static func entry(_ name: String, _ reader: inout HeaderReader) throws(SafetensorsError) -> Entry {
    var elementName: String?
    var shape: [Int]?
    var offsets: [Int]?
    try reader.object { (key, reader) throws(SafetensorsError) in
      switch key {
      case "dtype" where elementName == nil: elementName = try reader.string()
      case "shape" where shape == nil: shape = try reader.integers()
      case "data_offsets" where offsets == nil: offsets = try reader.integers()
      default: throw reader.error("the tensor '\(name)' has the key '\(key)' twice or unexpectedly; expected dtype, shape, data_offsets")
      }
    }
    guard let elementName, let shape, let offsets, offsets.count == 2 else {
      throw SafetensorsError(tensor: name, "the header must give dtype, shape and two data_offsets")
    }
    return Entry(name: name, elementName: elementName, shape: shape, begin: offsets[0], end: offsets[1])
  }
}

private struct HeaderReader {
  let bytes: UnsafeRawBufferPointer
  var position = 0

  func error(_ reason: String) -> SafetensorsError { SafetensorsError("header, byte \(position): \(reason)") }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 || (0x09...0x0D ~= bytes[position] && bytes[position] != 0x0B && bytes[position] != 0x0C) {
      position += 1
    }
  }

  /// Steps over `character` after white space when it is there.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
    guard take(character) else { throw error("expected '\(character)'") }
  }

  mutating func end() throws(SafetensorsError) {
    skipSpace()
    guard position == bytes.count else { throw error("unexpected text after the header's object") }
  }

  /// An object; `value` reads the value of each key.
  mutating func object(_ value: (String, inout HeaderReader) throws(SafetensorsError) -> Void) throws(SafetensorsError) {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try value(key, &self)
    } while take(",")
    try expect("}")
  }

  /// An array of integers that are not negative.
  mutating func integers() throws(SafetensorsError) -> [Int] {
    try expect("[")
    if take("]") { return [] }
    var result: [Int] = []
    repeat {
      skipSpace()
      let start = position
      while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 { position += 1 }
      let digits = String(decoding: bytes[start..<position], as: UTF8.self)
      guard let number = Int(digits), digits == "0" || !digits.hasPrefix("0") else { throw error("expected a whole number that is not negative") }
      result.append(number)
    } while take(",")
    try expect("]")
    return result
  }

  mutating func string() throws(SafetensorsError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else { throw error("a string is not valid UTF-8") }
        return result
      case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20: throw error("a control character in a string must be escaped")
      default: text.append(byte)
      }
    }
    throw error("a string does not end")
  }

  private mutating func escape() throws(SafetensorsError) -> Unicode.Scalar {
    guard position < bytes.count else { throw error("a string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try codeUnit()
      if 0xD800..<0xDC00 ~= code {
        // Outside the basic plane JSON writes two surrogates.
        guard position + 2 <= bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
          throw error("a surrogate stands alone")
        }
        position += 2
        let low = try codeUnit()
        guard 0xDC00..<0xE000 ~= low else { throw error("a surrogate stands alone") }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate stands alone") }
      return scalar
    default: throw error("an unknown escape in a string")
    }
  }

  private mutating func codeUnit() throws(SafetensorsError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error("a string does not end") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else { throw error("expected four hexadecimal digits after \\u") }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
