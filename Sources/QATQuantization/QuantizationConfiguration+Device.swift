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
      let group = self[kind]
      let key = "\(kind.sectionKey)"
      let sources = [([key], group.demands)] + group.overrides.map { (["scope_overrides", key, $0.scope], $0.demands) }
      let widths = device.bitWidths(kind)
      for (path, demands) in sources {
        guard let bits = demands.bits, !widths.contains(bits) else { continue }
        let expected = widths.map(String.init).joined(separator: widths.count == 2 ? " or " : ", ")
        faults.append(Fault(path: path + ["bits"], message: "the device \(device.rawValue) has no \(key) of \(bits) bits; expected \(expected)"))
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

  /// What cannot be had with steps that are powers of two: zero-points must be 0 or half of the codes, and a tensor of activations has one step in every runtime.
  private var powerOfTwoFaults: [Fault] {
    guard usesPowersOfTwo else { return [] }
    let remedy = "leave it out, or \"power_of_two_scales\""
    var faults: [Fault] = []
    if preset == .mixed {
      faults.append(
        Fault(
          path: ["preset"],
          message:
            "the preset \"mixed\" has asymmetric activations, and \"power_of_two_scales\" needs symmetric ones: the zero-points that data give are "
            + "rounded differently by runtimes; expected \"performance\", or \(remedy)"))
    }
    for kind in QuantizationPoint.Kind.allCases {
      let key = kind.sectionKey
      for (path, demands) in [([key], self[kind].demands)] + self[kind].overrides.map({ (["scope_overrides", key, $0.scope], $0.demands) }) {
        if demands.mode == .asymmetric {
          faults.append(
            Fault(
              path: path + ["mode"],
              message:
                "asymmetric quantizers cannot go with \"power_of_two_scales\": runtimes round around the zero-points that data give differently; "
                + "expected \"symmetric\", or \(remedy)"))
        }
        if kind == .weight, demands.signed == false {
          faults.append(
            Fault(
              path: path + ["signed"],
              message:
                "unsigned weights stay in floating point, where runtimes differ, and \"power_of_two_scales\" is for the same codes everywhere; "
                + "expected true, or \(remedy)"))
        }
        if kind == .activation, demands.perChannel == true {
          faults.append(
            Fault(
              path: path + ["per_channel"],
              message:
                "activations with one range a channel cannot go with \"power_of_two_scales\": runtimes have one scale a tensor; expected false, or "
                + remedy))
        }
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

  /// The group of one kind of quantizers.
  subscript(kind: QuantizationPoint.Kind) -> Group { kind == .weight ? weights : activations }
}

extension QuantizationPoint.Kind {
  /// What there are many of; also the key of its group in a configuration.
  public var plural: String { self == .weight ? "weights" : "activations" }
  /// The key of its group in a configuration.
  var sectionKey: String { plural }
}
