/// The type of a tensor's elements.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case float32, float64, int8, uint8, int32, int64, bool

  /// Size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }
}
