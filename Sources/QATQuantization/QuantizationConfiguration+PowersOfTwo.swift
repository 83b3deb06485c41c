extension QuantizationConfiguration {
  /// What cannot be had with steps that are powers of two: zero-points must be 0 or half of the codes, and a tensor of activations has one step in every runtime.
  var powerOfTwoFaults: [Fault] {
    guard usesPowersOfTwo else { return [] }
    var faults: [Fault] = []
    func refuse(_ path: [String], _ reason: String, expected: String) {
      faults.append(Fault(path: path, message: "\(reason); expected \(expected), or leave it out, or \"power_of_two_scales\""))
    }
    if preset == .mixed {
      let reason =
        "the preset \"mixed\" has asymmetric activations, and \"power_of_two_scales\" needs symmetric ones: the zero-points that data give are "
        + "rounded differently by runtimes"
      refuse(["preset"], reason, expected: "\"performance\"")
    }
    for kind in QuantizationPoint.Kind.allCases {
      for (path, demands) in demands(of: kind) {
        if demands.mode == .asymmetric {
          let reason =
            "asymmetric quantizers cannot go with \"power_of_two_scales\": runtimes round around the zero-points that data give differently"
          refuse(path + ["mode"], reason, expected: "\"symmetric\"")
        }
        if kind == .weight, demands.signed == false {
          let reason =
            "unsigned weights stay in floating point, where runtimes differ, and \"power_of_two_scales\" is for the same codes everywhere"
          refuse(path + ["signed"], reason, expected: "true")
        }
        if kind == .activation, demands.perChannel == true {
          let reason = "activations with one range a channel cannot go with \"power_of_two_scales\": runtimes have one scale a tensor"
          refuse(path + ["per_channel"], reason, expected: "false")
        }
      }
    }
    return faults
  }
}
