import QATJSON

/// What a device has to say of a section.
extension QuantizationConfiguration {
  /// Something that the device refuses: the keys that lead to it, and one sentence.
  struct Fault {
    var path: [String]
    var message: String
  }

  /// What cannot be had on `device`, whatever the network is.
  func faults(on device: TargetDevice) -> [Fault] {
    var faults: [Fault] = []
    if let preset, device == .npu {
      faults.append(Fault(path: ["preset"], message: "the preset \"\(preset.rawValue)\" is not for NPU, whose table decides on the modes; remove it"))
    }
    faults += powerOfTwoFaults
    for kind in QuantizationPoint.Kind.allCases {
      let widths = device.bitWidths(kind)
      for (path, demands) in demands(of: kind) {
        guard let bits = demands.bits, !widths.contains(bits) else { continue }
        let expected = widths.map(String.init).joined(separator: widths.count == 2 ? " or " : ", ")
        faults.append(
          Fault(path: path + ["bits"], message: "the device \(device.rawValue) has no \(kind.plural) of \(bits) bits; expected \(expected)"))
      }
    }
    let allWidths = Set(QuantizationPoint.Kind.allCases.flatMap(device.bitWidths)).sorted(by: >)
    let assignments = precision?.kind == .manual ? precision?.assignments ?? [] : []
    for assignment in assignments where !allWidths.contains(assignment.bits) {
      let message =
        "the device \(device.rawValue) has nothing of \(assignment.bits) bits, as '\(assignment.scope)' is to have; expected "
        + allWidths.map(String.init).joined(separator: ", ")
      faults.append(Fault(path: ["initializer", "precision", "bitwidth_per_scope"], message: message))
    }
    if let precision, precision.kind == .hawq {
      let widths = device.bitWidths(.weight)
      let offered = widths.filter(precision.hawq.bitWidths.contains)
      if offered.count < 2 {
        let message =
          "HAWQ chooses among bit widths, and the device \(device.rawValue) has weights of \(widths.map(String.init).joined(separator: ", ")) bits, "
          + "of which \"bits\" lists \(offered.isEmpty ? "none" : "only \(offered[0])"); take NPU or TRIAL, or other bits"
        faults.append(Fault(path: ["initializer", "precision", "bits"], message: message))
      }
    }
    var groupOfName: [String: Int] = [:]
    for (index, names) in activations.unifiedScaleOperators.enumerated() {
      for name in Set(names).sorted() {
        guard let other = groupOfName.updateValue(index, forKey: name) else { continue }
        let message = "'\(name)' is in the groups \(other) and \(index); a scale is shared within one group"
        faults.append(Fault(path: ["activations", "unified_scale_ops"], message: message))
      }
    }
    return faults
  }

  /// Notes what the device refuses as errors and what it passes over as warnings, where the section says it; fills in what the device decides.
  mutating func resolve(on device: TargetDevice, _ section: JSONNode, _ problems: inout ProblemList) {
    for fault in faults(on: device) {
      let node = fault.path.reduce(section) { node, key in node[key] ?? node }
      problems.error(fault.message, at: node)
    }
    if !device.needsOverflowFix, let member = section.members?.first(where: { $0.key == "overflow_fix" }) {
      problems.warning("\"overflow_fix\" has no effect on \(device.rawValue): its products do not overflow", at: member)
    }
    let modes = [weights, activations].compactMap(\.demands.mode)
    if modes.count == 2, let member = section.members?.first(where: { $0.key == "preset" }), device != .npu {
      problems.warning("\"preset\" has no effect: \"mode\" of \"weights\" and of \"activations\" stand in front of it", at: member)
      preset = nil
    }
    preset = preset ?? device.defaultPreset
    overflowFix = device.needsOverflowFix ? overflowFix ?? .enable : nil
  }

  /// The demands on one kind of quantizers, of the group and of its overrides, with the keys that lead to each.
  func demands(of kind: QuantizationPoint.Kind) -> [(path: [String], demands: Demands)] {
    [([kind.sectionKey], self[kind].demands)] + self[kind].overrides.map { (["scope_overrides", kind.sectionKey, $0.scope], $0.demands) }
  }

  /// The group of one kind of quantizers.
  subscript(kind: QuantizationPoint.Kind) -> Group { kind == .weight ? weights : activations }
}

extension QuantizationPoint.Kind {
  /// What there are many of; also the key of its group in a configuration.
  public var plural: String { self == .weight ? "weights" : "activations" }
  /// The key of its group in a configuration.
  var sectionKey: String { plural }
}
