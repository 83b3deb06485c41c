import QAT

/// How far what a network computes is from what another program has computed.
struct OutputComparison {
  /// The output's name.
  var name: String
  /// Elements compared.
  var count: Int
  /// Elements that are not the same number; two that are not numbers count as the same.
  var differing: Int
  /// The largest difference; infinite where one of both is not a number.
  var largest: Double
  /// The mean of the differences.
  var mean: Double
  /// The largest magnitude of the reference.
  var magnitude: Double
  /// The share of rows whose highest element is at the same place; nil where rows have one element.
  var sameHighest: Double?

  /// Compares an output with its reference, both of the same count.
  init(_ name: String, _ found: [Float], _ reference: [Float], rows: Int) {
    self.name = name
    count = reference.count
    differing = 0
    (largest, mean, magnitude) = (0, 0, 0)
    for (ours, theirs) in zip(found, reference) {
      if theirs.isFinite { magnitude = max(magnitude, Double(abs(theirs))) }
      if ours == theirs || (ours.isNaN && theirs.isNaN) { continue }
      differing += 1
      let distance = Double(ours) - Double(theirs)
      largest = distance.isNaN ? .infinity : max(largest, abs(distance))
      mean += abs(distance) / Double(max(count, 1))
    }
    let width = rows > 0 ? count / rows : 0
    guard width > 1 else { return }
    func highest(_ values: [Float], _ row: Int) -> Int { (row * width..<(row + 1) * width).max { values[$0] < values[$1] } ?? 0 }
    sameHighest = Double((0..<rows).count { highest(found, $0) == highest(reference, $0) }) / Double(rows)
  }

  /// The largest difference relative to the largest magnitude of the reference.
  var relative: Double { largest == 0 ? 0 : largest / max(magnitude, .leastNormalMagnitude) }
}

extension [OutputComparison] {
  /// For people.
  var text: String {
    var table = TextTable(["output", "elements", "differing", "largest", "relative", "mean", "same highest"])
    for row in self {
      table.add([
        row.name, "\(row.count)", "\(row.differing)", Numbers.short(row.largest), Numbers.short(row.relative), Numbers.short(row.mean),
        row.sameHighest.map(Numbers.percent) ?? "–",
      ])
    }
    return table.text
  }

  /// What `--json` shows.
  var json: JSONValue {
    .object([
      .init(
        "outputs",
        .array(
          map { row in
            var members: [JSONValue.Member] = [
              .init("name", .string(row.name)), .init("count", .integer(row.count)), .init("differing", .integer(row.differing)),
            ]
            for (key, value) in [("largest", row.largest), ("relative", row.relative), ("mean", row.mean)] {
              // JSON has no infinity.
              members.append(.init(key, value.isFinite ? .number(value) : .null))
            }
            if let same = row.sameHighest { members.append(.init("same_highest", .number(same))) }
            return .object(members)
          }))
    ])
  }
}
