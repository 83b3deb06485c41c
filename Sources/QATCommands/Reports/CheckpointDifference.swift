import QAT

/// In what two checkpoints differ: `qat checkpoint diff`.
struct CheckpointDifference {
  /// A tensor that differs.
  private struct Row {
    var name: String
    /// The greatest absolute difference of two elements; nil when the tensors have other shapes, or one is missing.
    var greatest: Double?
    /// Elements that differ.
    var count = 0
    /// What cannot be said in numbers.
    var words = ""
  }

  private let paths: [String]
  private let settings: [(name: String, values: [String])]
  private let tensors: [Row]
  private let equalCount: Int
  /// What is wrong with either checkpoint.
  let faults: [String]

  init(_ first: CheckpointInspection, _ second: CheckpointInspection) {
    paths = [first.path, second.path]
    faults = first.faults + second.faults
    let values = [first, second].map(\.comparedValues)
    settings = Set(values.flatMap(\.keys)).sorted().compactMap { name in
      let pair = values.map { $0[name] ?? "absent" }
      return pair[0] == pair[1] ? nil : (name, pair)
    }
    var (rows, equal) = ([Row](), 0)
    for (one, other) in [(first.model, second.model), (first.optimizer, second.optimizer)] {
      // Where a file cannot be read, each of its tensors would look missing.
      if one.isEmpty || other.isEmpty { continue }
      for name in Set(one.keys).union(other.keys).sorted() {
        if let row = Self.compare(name, one[name], other[name]) { rows.append(row) } else { equal += 1 }
      }
    }
    (tensors, equalCount) = (rows, equal)
  }

  private static func compare(_ name: String, _ first: Tensor?, _ second: Tensor?) -> Row? {
    guard let first, let second else { return Row(name: name, words: "only in the \(first == nil ? "second" : "first")") }
    guard first.shape == second.shape, first.elementType == second.elementType else {
      return Row(name: name, words: "\(first.elementType) \(first.shape) and \(second.elementType) \(second.shape)")
    }
    if first == second { return nil }
    guard let floats = first.floats, let others = second.floats else { return Row(name: name, words: "differ") }
    var row = Row(name: name, greatest: 0)
    for (one, other) in zip(floats, others) where one.bitPattern != other.bitPattern {
      row.count += 1
      row.greatest = max(row.greatest ?? 0, one.isFinite && other.isFinite ? Double(abs(Double(one) - Double(other))) : .infinity)
    }
    return row.count == 0 ? nil : row
  }

  private var isEqual: Bool { settings.isEmpty && tensors.isEmpty && faults.isEmpty }

  var json: JSONValue {
    let rows = tensors.map { row -> JSONValue in
      [
        "name": .string(row.name), "greatest_difference": row.greatest.map { .number($0) } ?? .null, "differing_elements": .integer(row.count),
        "note": .string(row.words),
      ]
    }
    return [
      "first": .string(paths[0]), "second": .string(paths[1]), "equal": .bool(isEqual), "faults": .array(faults.map { .string($0) }),
      "state": .array(settings.map { ["name": .string($0.name), "first": .string($0.values[0]), "second": .string($0.values[1])] }),
      "tensors": .array(rows), "equal_tensors": .integer(equalCount),
    ]
  }

  var text: String {
    if isEqual { return "equal: \(equalCount) tensors and the state" }
    var lines = faults
    if !settings.isEmpty {
      var table = TextTable(["state", paths[0], paths[1]])
      for setting in settings { table.add([setting.name] + setting.values) }
      lines += [table.text, ""]
    }
    if !tensors.isEmpty {
      var table = TextTable(["tensor", "greatest difference", "elements that differ"])
      for row in tensors { table.add([row.name, row.greatest.map { "\($0)" } ?? row.words, row.count == 0 ? "" : "\(row.count)"]) }
      lines += [table.text]
    }
    return (lines + ["\(equalCount) tensors are equal"]).joined(separator: "\n")
  }
}

extension CheckpointInspection {
  /// Everything of the state that one line can say, by name.
  fileprivate var comparedValues: [String: String] {
    guard let state else { return [:] }
    var values = state.identity.settings
    values["step"] = "\(state.step)"
    values["epoch"] = "\(state.epoch)"
    values["position"] = "\(state.position)"
    values["optimizer_step"] = "\(state.optimizerStep)"
    values["global_batch_size"] = "\(state.globalBatchSize)"
    values["skipped_steps"] = "\(state.skipped.total)"
    values["best"] = state.best.map { "\($0.top1) after step \($0.step)" }
    values["model"] = state.identity.model
    values["data"] = state.identity.data
    values["engine"] = state.environment.engine
    values["threads"] = "\(state.environment.threadCount)"
    values["ranks"] = state.environment.rankCount.map { "\($0)" }
    return values
  }
}
