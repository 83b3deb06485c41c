extension QuantizerSetup: Codable {
  private enum CodingKeys: String, CodingKey {
    case points = "quantization_points"
    case unifiedScaleGroups = "unified_scale_groups"
    case sharedInputGroups = "shared_input_operation_set_groups"
  }

  /// Reads a setup: points and groups by number, as NNCF's compression state has them.
  /// - Throws: `DecodingError` when the layout is another one; `QuantizationError` naming a group with a point that is not there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let points = try container.decode([Int: QuantizationPoint].self, forKey: .points)
    func groups(_ key: CodingKeys) throws -> [[String]] {
      try container.decode([Int: [Int]].self, forKey: key).sorted { $0.key < $1.key }.map { group, members in
        try members.map { member in
          guard let point = points[member] else {
            throw QuantizationError("'\(key.rawValue)' of the quantizer setup: the group \(group) names the point \(member), which is not there")
          }
          return point.id
        }
      }
    }
    self.init(
      points: points.sorted { $0.key < $1.key }.map(\.value), unifiedScaleGroups: try groups(.unifiedScaleGroups),
      sharedInputGroups: try groups(.sharedInputGroups))
  }

  /// Writes the setup; a point's number is its place.
  /// - Throws: `QuantizationError` naming a group with a point that is not there.
  public func encode(to encoder: any Encoder) throws {
    let numbers = Dictionary(zip(points.map(\.id), points.indices), uniquingKeysWith: { first, _ in first })
    func numbered<Value>(_ values: [Value]) -> [Int: Value] { Dictionary(uniqueKeysWithValues: zip(values.indices, values)) }
    func groups(_ groups: [[String]]) throws -> [Int: [Int]] {
      try numbered(
        groups.map { group in
          try group.map { id in
            guard let number = numbers[id] else { throw QuantizationError("a group of the quantizer setup names '\(id)', which is not listed") }
            return number
          }
        })
    }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(numbered(points), forKey: .points)
    try container.encode(groups(unifiedScaleGroups), forKey: .unifiedScaleGroups)
    try container.encode(groups(sharedInputGroups), forKey: .sharedInputGroups)
  }
}
