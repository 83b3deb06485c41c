extension JSONParser {
  /// An error at the next byte.
  mutating func error(_ message: String, path: String) -> JSONError {
    let (line, column) = place()
    return JSONError(file: file, line: line, column: column, path: path, message: message)
  }

  /// The error that something else stands here than what was expected.
  mutating func unexpected(_ expected: String, path: String, remedy: String? = nil, opened: (what: String, line: Int)? = nil) -> JSONError {
    var message = "found \(found()) where \(expected) was expected"
    if let remedy { message += "; \(remedy)" }
    if let opened, next == nil { message += "; the \(opened.what) opened on line \(opened.line) is not closed" }
    return error(message, path: path)
  }

  /// What stands here, for a message: a word, a character, or the end of the file.
  func found() -> String {
    guard let byte = next else { return "the end of the file" }
    let word = self.word()
    if !word.isEmpty { return word.utf8.count <= 40 ? "'\(word)'" : "'\(word.prefix(37))...'" }
    if byte < 0x20 || byte == 0x7F { return "the control character \(codePoint(UInt32(byte)))" }
    var decoder = Unicode.UTF8.ForwardParser()
    var iterator = bytes[index...].makeIterator()
    guard case .valid(let encoded) = decoder.parseScalar(from: &iterator) else { return "an invalid byte" }
    let scalar = Unicode.UTF8.decode(encoded)
    // Invisible characters, such as the no-break space of a web page, need their number.
    return scalar.isASCII || scalar.properties.isAlphabetic ? "'\(scalar)'" : "'\(scalar)' (\(codePoint(scalar.value)))"
  }

  private func codePoint(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return "U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
  }
}
