/// What the configuration demands of the quantizers of one operator; silent where nil.
struct QuantizerDemands {
  let kind: QuantizationPoint.Kind
  let mode: QuantizationConfiguration.Mode?
  let bits: Int?
  let perChannel: Bool?
  let signed: Bool?
  /// Whether the bit width is chosen later where no table restricts it.
  let leavesBitWidthOpen: Bool

  /// The options of a table entry that meet the demands, each once; none when they contradict the table. An open sign takes the demanded one; a
  /// demanded sign does not concern asymmetric quantizers.
  func filtered(_ options: [QuantizerOption]) -> [QuantizerOption] {
    var result: [QuantizerOption] = []
    for option in options
    where mode ?? option.mode == option.mode && bits ?? option.bits == option.bits && perChannel ?? option.perChannel == option.perChannel {
      var option = option
      if option.mode == .symmetric, let signed {
        if let forced = option.forcedSign, forced != signed { continue }
        option.forcedSign = signed
      }
      if !result.contains(option) { result.append(option) }
    }
    return result
  }

  /// The standard option with the demanded values set, for operators that no table restricts; then the same of other bit widths, where that is open.
  var standardOptions: [QuantizerOption] {
    var option = QuantizerOption.standard
    option.mode = mode ?? option.mode
    option.bits = bits ?? option.bits
    option.perChannel = perChannel ?? option.perChannel
    option.forcedSign = option.mode == .symmetric ? signed : nil
    guard leavesBitWidthOpen else { return [option] }
    return [option]
      + QuantizerOption.bitWidths.filter { $0 != option.bits }.map { bits in
        var other = option
        other.bits = bits
        return other
      }
  }

  /// The demands in words.
  var summary: String {
    var parts: [String] = []
    if let mode { parts.append(mode.rawValue) }
    if let bits { parts.append("\(bits) bits") }
    if let perChannel { parts.append(perChannel ? "per-channel" : "per-tensor") }
    if let signed { parts.append(signed ? "signed" : "unsigned") }
    return parts.joined(separator: ", ")
  }
}

/// The demands of a group of quantizers, with the overrides of some scopes.
struct GroupDemands {
  let kind: QuantizationPoint.Kind
  private let preset: QuantizationConfiguration.Preset?
  private let group: QuantizationConfiguration.Demands
  private let overrides: [(scope: Scope, demands: QuantizationConfiguration.Demands)]
  private let choosesBitWidths: Bool
  private let usesPowersOfTwo: Bool

  /// - Throws: `QuantizationError` when the scope of an override cannot be read.
  init(_ configuration: QuantizationConfiguration, _ kind: QuantizationPoint.Kind, device: TargetDevice) throws(QuantizationError) {
    self.kind = kind
    preset = configuration.preset ?? device.defaultPreset
    group = configuration[kind].demands
    choosesBitWidths = configuration.precision != nil && device.table == nil
    usesPowersOfTwo = configuration.usesPowersOfTwo
    overrides = try configuration[kind].overrides.map { (override) throws(QuantizationError) in (try Scope(override.scope), override.demands) }
  }

  /// What is demanded of the operator called `name`: of two overrides that match, the later one holds.
  func demands(at name: String) -> QuantizerDemands {
    var demands = group
    var leavesBitWidthOpen = choosesBitWidths
    for (scope, override) in overrides where scope.matches(name) {
      if override.bits != nil { leavesBitWidthOpen = false }
      demands.mode = override.mode ?? demands.mode
      demands.bits = override.bits ?? demands.bits
      demands.perChannel = override.perChannel ?? demands.perChannel
      demands.signed = override.signed ?? demands.signed
    }
    if usesPowersOfTwo {
      // What the configuration does not refuse: one symmetric grid a tensor of activations.
      demands.mode = .symmetric
      if kind == .activation { demands.perChannel = false }
    }
    let presetMode = preset.map { $0 == .mixed && kind == .activation ? QuantizationConfiguration.Mode.asymmetric : .symmetric }
    return QuantizerDemands(
      kind: kind, mode: demands.mode ?? presetMode, bits: demands.bits, perChannel: demands.perChannel, signed: demands.signed,
      leavesBitWidthOpen: leavesBitWidthOpen)
  }
}

/// Operators at which the demands and the device's table contradict each other, gathered so that one run names them all.
struct UnmetDemands {
  private struct Reason: Hashable {
    var kind: QuantizationPoint.Kind
    var demanded: String
    var offered: String
  }

  private var reasons: [Reason] = []
  private var operators: [Reason: [String]] = [:]

  /// Notes that nothing on offer meets the demands at an operator.
  mutating func note(_ demands: QuantizerDemands, at name: String, offered: [QuantizerOption]) {
    let reason = Reason(kind: demands.kind, demanded: demands.summary, offered: offered.map(\.summary).joined(separator: ", "))
    if operators[reason] == nil { reasons.append(reason) }
    operators[reason, default: []].append(name)
  }

  /// - Throws: `QuantizationError` with all that was noted.
  func throwIfAny(on device: TargetDevice) throws(QuantizationError) {
    guard !reasons.isEmpty else { return }
    let lines = reasons.map { reason in
      let names = operators[reason] ?? []
      let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
      return "  \(reason.kind.sectionKey) (\(reason.demanded)) at \(shown): offered are \(reason.offered.isEmpty ? "none" : reason.offered)"
    }
    throw QuantizationError(
      "the device \(device.rawValue) cannot meet what the configuration demands. Change 'preset', 'mode', 'bits', 'per_channel' or 'signed', or ignore "
        + "the operators in that group:\n" + lines.joined(separator: "\n"))
  }
}
