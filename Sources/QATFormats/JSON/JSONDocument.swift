/// A parsed JSON file. Besides RFC 8259, `//` and `/* */` comments and trailing commas are accepted, as NNCF accepts them; nothing else is.
public struct JSONDocument: Sendable {
  /// Deepest nesting of arrays and objects that is read unless the caller says otherwise; it bounds the reader's stack.
  public static let defaultMaximumDepth = 100

  /// Name of the file, as it appears in messages.
  public var file: String
  /// The outermost value.
  public var root: JSONNode

  /// Parses a text.
  /// - Parameters:
  ///   - text: the JSON.
  ///   - file: name of its file for messages.
  ///   - maximumDepth: deepest accepted nesting of arrays and objects.
  /// - Returns: the parsed document.
  /// - Throws: the first error, with line, column, path, what was found and what was expected.
  public static func parse(_ text: String, file: String, maximumDepth: Int = defaultMaximumDepth) throws(JSONError) -> JSONDocument {
    try parse(bytes: Array(text.utf8), file: file, maximumDepth: maximumDepth)
  }

  /// Parses the bytes of a file, which must be UTF-8; a byte order mark is skipped.
  /// - Parameters:
  ///   - bytes: the file's contents.
  ///   - file: name of the file for messages.
  ///   - maximumDepth: deepest accepted nesting of arrays and objects.
  /// - Returns: the parsed document.
  /// - Throws: the first error, with line, column, path, what was found and what was expected.
  public static func parse(bytes: [UInt8], file: String, maximumDepth: Int = defaultMaximumDepth) throws(JSONError) -> JSONDocument {
    var parser = JSONParser(bytes: bytes, file: file, maximumDepth: maximumDepth)
    return JSONDocument(file: file, root: try parser.document())
  }
}
