/// How places in a document are written: `compression[0].initializer.range.type`, and `["odd key"]` where a key is not a plain word.
public enum JSONPath {
  /// The path of a member of the object at `path`.
  public static func member(_ key: String, of path: String) -> String {
    let plain = !key.isEmpty && key.utf8.allSatisfy { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || isAlphanumeric($0) }
    guard plain else { return "\(path)[\(JSONValue.string(key).text(.oneLine))]" }
    return path.isEmpty ? key : "\(path).\(key)"
  }

  /// The path of an element of the array at `path`.
  public static func element(_ index: Int, of path: String) -> String { "\(path)[\(index)]" }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
    default: false
    }
  }
}
