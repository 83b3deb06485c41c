/// In JSON the metrics stand beside the accuracies and the loss, each under its name.
extension Evaluation: Codable {
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  private static let own = ["top1", "top5", "loss", "count", "positions"]

  /// Reads what `encode` has written.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    var measured: [String: Double] = [:]
    for key in values.allKeys where !Self.own.contains(key.stringValue) { measured[key.stringValue] = try values.decode(Double.self, forKey: key) }
    self.init(
      top1: try values.decode(Double.self, forKey: Key("top1")), top5: try values.decode(Double.self, forKey: Key("top5")),
      loss: try values.decode(Double.self, forKey: Key("loss")), count: try values.decode(Int.self, forKey: Key("count")), measured: measured,
      positions: try values.decodeIfPresent(Int.self, forKey: Key("positions")))
  }

  /// Writes the numbers by name.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    for (name, value) in measured { try values.encode(value, forKey: Key(name)) }
    try values.encode(top1, forKey: Key("top1"))
    try values.encode(top5, forKey: Key("top5"))
    try values.encode(loss, forKey: Key("loss"))
    try values.encode(count, forKey: Key("count"))
    try values.encodeIfPresent(positions, forKey: Key("positions"))
  }
}
