import QATJSON

extension OptimizerConfiguration {
  /// Keys that the chosen type and schedule do not use, and who would use them.
  var ineffectiveKeys: [String: String] {
    var keys: [String: String] = [:]
    if kind == .sgd {
      for key in ["betas", "eps"] { keys[key] = "it serves Adam and AdamW, and \"type\" is \"SGD\"" }
    } else {
      for key in ["momentum", "nesterov"] { keys[key] = "it serves SGD, and \"type\" is \"\(kind.rawValue)\"" }
    }
    let users: [(key: String, schedules: [ScheduleConfiguration.Kind])] = [
      ("gamma", [.step]), ("milestones", [.step]), ("step_size", [.step]), ("lr_poly_drop_start_epoch", [.polynomial]),
      ("lr_poly_drop_duration_epochs", [.polynomial]),
      ("power", [.polynomial]), ("min_lr", [.cosine, .polynomial]),
    ]
    for (key, schedules) in users where !schedules.contains(schedule.kind) {
      let names = schedules.map { "\"\($0.rawValue)\"" }.joined(separator: " and ")
      keys[key] = "it serves the schedule \(names), and \"schedule_type\" is \"\(schedule.kind.rawValue)\""
    }
    return keys
  }

  static func warnOfIneffectiveKeys(_ node: JSONNode, _ optimizer: Self, _ problems: inout ProblemList) {
    let ineffective = optimizer.ineffectiveKeys
    for member in node.members ?? [] {
      if let reason = ineffective[member.key] { problems.warning("\"\(member.key)\" has no effect: \(reason)", at: member) }
    }
  }
}
