/// One way in which a quantizer may quantize: what hardware tables list and what placement chooses from.
struct QuantizerOption: Hashable, Sendable {
  var bits = 8
  var mode = QuantizationConfiguration.Mode.symmetric
  var perChannel = false
  /// The sign that symmetric quantizers must have, or nil when the data decide.
  var forcedSign: Bool?

  /// What an operator without an entry in the table gets. Source: reference NNCF, default quantizer configuration.
  static let standard = QuantizerOption()

  /// The bit widths that quantizers may have where nothing restricts them, widest first.
  static let bitWidths = Array((2...8).reversed())

  /// Every combination, modes outermost, as NNCF expands its tables.
  static func all(bits: Int = 8, modes: [QuantizationConfiguration.Mode], perChannel: [Bool], forcedSign: Bool? = nil) -> [QuantizerOption] {
    modes.flatMap { mode in
      perChannel.map { QuantizerOption(bits: bits, mode: mode, perChannel: $0, forcedSign: mode == .symmetric ? forcedSign : nil) }
    }
  }

  var summary: String {
    "\(forcedSign.map { $0 ? "signed " : "unsigned " } ?? "")\(bits)-bit \(mode.rawValue) \(perChannel ? "per-channel" : "per-tensor")"
  }
}

extension [QuantizerOption] {
  /// The options that are in every one of `lists`, best first: lowest sum of positions, then more bits, per-tensor, symmetric.
  /// Source: NNCF's "merge all in one" at a branch.
  static func merged(_ lists: [[QuantizerOption]]) -> [QuantizerOption] {
    guard let first = lists.first else { return [] }
    let ranked = first.compactMap { option -> (option: QuantizerOption, key: [Int])? in
      let positions = lists.compactMap { $0.firstIndex(of: option) }
      guard positions.count == lists.count else { return nil }
      return (option, [positions.reduce(0, +), -option.bits, option.perChannel ? 1 : 0, option.mode == .symmetric ? 0 : 1])
    }
    return ranked.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.option)
  }
}
