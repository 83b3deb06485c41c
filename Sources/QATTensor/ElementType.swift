/// The type of a tensor's elements.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  /// IEEE binary32, the type of everything that is trained.
  case float32
  /// IEEE binary64.
  case float64
  /// Signed bytes, from −128 to 127.
  case int8
  /// Unsigned bytes, from 0 to 255.
  case uint8
  /// Signed 32-bit integers.
  case int32
  /// Signed 64-bit integers.
  case int64
  /// Truth values, of one byte each.
  case bool

  /// Size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }
}
