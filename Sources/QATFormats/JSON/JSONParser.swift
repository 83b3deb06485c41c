/// A recursive-descent reader of JSON (RFC 8259) with comments and trailing commas, which keeps the place of every value.
struct JSONParser {
  let bytes: [UInt8]
  let file: String
  let maximumDepth: Int
  /// The next byte.
  var index = 0
  private var line = 1
  private var lineStart = 0
  // The last place whose column was counted: columns are asked for in rising order, so a file of one long line is still read in linear time.
  private var counted = (index: 0, column: 1)

  init(bytes: [UInt8], file: String, maximumDepth: Int) {
    self.bytes = bytes
    self.file = file
    self.maximumDepth = maximumDepth
  }

  /// The next byte; nil at the end.
  var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  /// Line and column of the next byte.
  mutating func place() -> (line: Int, column: Int) {
    if counted.index < lineStart || counted.index > index { counted = (lineStart, 1) }
    for byte in bytes[counted.index..<index] where byte & 0xC0 != 0x80 { counted.column += 1 }
    counted.index = index
    return (line, counted.column)
  }

  /// Moves past a line's end, whose byte is the next one.
  mutating func newLine() {
    index += 1
    line += 1
    lineStart = index
  }

  mutating func document() throws(JSONError) -> JSONNode {
    try checkEncoding()
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      index = 3
      lineStart = 3
    }
    try skipSpace(path: "")
    let root = try value(path: "", depth: 0)
    try skipSpace(path: "")
    guard next == nil else { throw unexpected("the end of the file", path: "") }
    return root
  }

  private mutating func value(path: String, depth: Int) throws(JSONError) -> JSONNode {
    let (line, column) = place()
    let value: JSONNode.Value
    switch next {
    case UInt8(ascii: "{"): value = .object(try object(path: path, depth: depth + 1))
    case UInt8(ascii: "["): value = .array(try array(path: path, depth: depth + 1))
    case UInt8(ascii: "\""): value = .string(try string(path: path))
    case let byte? where startsNumber(byte): value = .number(try number(path: path))
    default: value = try literal(path: path)
    }
    return JSONNode(value: value, line: line, column: column, path: path)
  }

  private mutating func object(path: String, depth: Int) throws(JSONError) -> [JSONMember] {
    let start = try open(path: path, depth: depth)
    var members: [JSONMember] = []
    var lines: [String: Int] = [:]
    while true {
      try skipSpace(path: path)
      if next == UInt8(ascii: "}") { break }
      guard next == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes or '}'", path: path, opened: ("object", start)) }
      let keyIndex = index
      let (line, column) = place()
      let key = try string(path: path)
      if let first = lines.updateValue(line, forKey: key) {
        index = keyIndex
        throw error("the key \"\(key)\" stands twice in this object, first on line \(first); keep one of them", path: path)
      }
      let memberPath = JSONPath.member(key, of: path)
      try skipSpace(path: path)
      guard next == UInt8(ascii: ":") else { throw unexpected("':' after the key \"\(key)\"", path: path) }
      index += 1
      try skipSpace(path: memberPath)
      members.append(JSONMember(key: key, line: line, column: column, value: try value(path: memberPath, depth: depth)))
      try skipSpace(path: path)
      if next == UInt8(ascii: ",") {
        index += 1
      } else if next != UInt8(ascii: "}") {
        throw unexpected("',' or '}'", path: path, opened: ("object", start))
      }
    }
    index += 1
    return members
  }

  private mutating func array(path: String, depth: Int) throws(JSONError) -> [JSONNode] {
    let start = try open(path: path, depth: depth)
    var elements: [JSONNode] = []
    while true {
      try skipSpace(path: path)
      if next == UInt8(ascii: "]") { break }
      if next == nil { throw unexpected("a value or ']'", path: path, opened: ("array", start)) }
      elements.append(try value(path: JSONPath.element(elements.count, of: path), depth: depth))
      try skipSpace(path: path)
      if next == UInt8(ascii: ",") {
        index += 1
      } else if next != UInt8(ascii: "]") {
        throw unexpected("',' or ']'", path: path, opened: ("array", start))
      }
    }
    index += 1
    return elements
  }

  /// Moves past an opening bracket and returns its line.
  private mutating func open(path: String, depth: Int) throws(JSONError) -> Int {
    guard depth <= maximumDepth else { throw error("arrays and objects nest deeper than \(maximumDepth) levels", path: path) }
    index += 1
    return line
  }

  /// Moves past white space and comments.
  private mutating func skipSpace(path: String) throws(JSONError) {
    while let byte = next {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): index += 1
      case UInt8(ascii: "\n"): newLine()
      case UInt8(ascii: "/"): try skipComment(path: path)
      default: return
      }
    }
  }

  private mutating func skipComment(path: String) throws(JSONError) {
    let start = index
    switch index + 1 < bytes.count ? bytes[index + 1] : 0 {
    case UInt8(ascii: "/"):
      while let byte = next, byte != UInt8(ascii: "\n") { index += 1 }
    case UInt8(ascii: "*"):
      let (opened, _) = place()
      index = start + 2
      while true {
        guard let byte = next else {
          throw error("found the end of the file in the comment that starts on line \(opened); '*/' is missing", path: path)
        }
        if byte == UInt8(ascii: "*"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") { break }
        if byte == UInt8(ascii: "\n") { newLine() } else { index += 1 }
      }
      index += 2
    default:
      throw error("found a lone '/'; a comment starts with // or /*", path: path)
    }
  }
}
