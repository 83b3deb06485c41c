import QAT

/// Where the time of one training step goes, by kind of work.
struct StepProfile {
  private let parts: [(label: String, seconds: Double)]

  /// A profile of measured parts, whose labels are a kind of work and the node's name.
  init(_ parts: [(label: String, seconds: Double)]) { self.parts = parts }

  /// Kinds of work, the longest first.
  var text: String {
    var kinds: [String: (seconds: Double, count: Int)] = [:]
    for (label, seconds) in parts {
      let kind = label.split(separator: " ").dropLast().joined(separator: " ")
      kinds[kind, default: (0, 0)].seconds += seconds
      kinds[kind, default: (0, 0)].count += 1
    }
    let total = parts.reduce(0) { $0 + $1.seconds }
    var table = TextTable(["work", "times", "milliseconds", "share"])
    for (kind, entry) in kinds.sorted(by: { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }) {
      table.add([kind, "\(entry.count)", Numbers.fixed(entry.seconds * 1000, 2), Numbers.percent(entry.seconds / max(total, 1e-12))])
    }
    return table.text
  }
}
