/// One way in which a quantizer may quantize: what hardware tables list and what placement chooses from.
struct QuantizerOption: Hashable, Sendable {
  var bits = 8
  var mode = QuantizationConfiguration.Mode.symmetric
  var perChannel = false
  /// The sign that symmetric quantizers must have, or nil when the data decide.
  var forcedSign: Bool?

  /// What an operator without an entry in the table gets. Source: reference NNCF, default quantizer configuration.
  static let standard = QuantizerOption()

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

/// What the configuration demands of the quantizers of one kind; silent where nil.
struct QuantizerDemands {
  let kind: QuantizationPoint.Kind
  let mode: QuantizationConfiguration.Mode
  let bits: Int?
  let perChannel: Bool?
  let signed: Bool?

  init(_ configuration: QuantizationConfiguration, _ kind: QuantizationPoint.Kind) {
    let group = kind == .weight ? configuration.weights : configuration.activations
    let isMixed = kind == .activation && configuration.preset == .mixed
    self.kind = kind
    mode = group.mode ?? (isMixed ? .asymmetric : .symmetric)
    bits = group.bits
    perChannel = group.perChannel
    signed = group.signed
  }

  /// The options of a table entry that meet the demands. An open sign takes the demanded one; a demanded sign does not concern asymmetric quantizers.
  /// - Throws: `QuantizationError` naming the operator when none does.
  func filtered(_ options: [QuantizerOption], for operatorName: String) throws(QuantizationError) -> [QuantizerOption] {
    var result: [QuantizerOption] = []
    for option in options where option.mode == mode && bits ?? option.bits == option.bits && perChannel ?? option.perChannel == option.perChannel {
      var option = option
      if option.mode == .symmetric, let signed {
        if let forced = option.forcedSign, forced != signed { continue }
        option.forcedSign = signed
      }
      if !result.contains(option) { result.append(option) }
    }
    guard result.isEmpty else { return result }
    let offered = options.map(\.summary).joined(separator: ", ")
    let section = kind == .weight ? "weights" : "activations"
    throw QuantizationError(
      "the demands of '\(section)' (\(summary)) cannot be met at '\(operatorName)': the device offers \(offered). "
        + "Change 'mode', 'bits', 'per_channel' or 'signed' in '\(section)'")
  }

  /// The standard option with the demanded values set, for operators that no table restricts.
  var standardOptions: [QuantizerOption] {
    [
      QuantizerOption(
        bits: bits ?? QuantizerOption.standard.bits, mode: mode, perChannel: perChannel ?? QuantizerOption.standard.perChannel,
        forcedSign: mode == .symmetric ? signed : nil)
    ]
  }

  private var summary: String {
    var parts = [mode.rawValue]
    if let bits { parts.append("\(bits) bits") }
    if let perChannel { parts.append(perChannel ? "per-channel" : "per-tensor") }
    if let signed { parts.append(signed ? "signed" : "unsigned") }
    return parts.joined(separator: ", ")
  }
}
