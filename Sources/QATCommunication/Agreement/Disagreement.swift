/// What ranks have stated at one place, and what follows from it. Every rank has the same statements and comes to the same verdict.
struct Disagreement {
  /// What a run ends with whose ranks differ.
  static let mismatchExitCode: Int32 = 3
  /// Parts named one by one.
  private static let mostParts = 12

  private let statements: [Statement]

  init(_ statements: [Statement]) { self.statements = statements }

  /// The verdict.
  /// - Parameter exitCodeWhenSomeFail: what the run ends with when some ranks failed and others did not; the first failing rank's code when nil.
  /// - Returns: a sentence for each advised value that differs.
  /// - Throws: `CommunicationError` when a rank has failed or a required value differs.
  func resolve(exitCodeWhenSomeFail: Int32?) throws(CommunicationError) -> [String] {
    if let error = failure(exitCodeWhenSomeFail) { throw error }
    let found = differences()
    let fatal = found.filter { $0.weight != .advised }
    if !fatal.isEmpty {
      let remedies = fatal.map(\.remedy).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      throw CommunicationError(
        .mismatch, fatal.map(\.sentence).joined(separator: ";\n  ") + ". " + remedies.joined(separator: ". "), exitCode: Self.mismatchExitCode,
        isShared: true)
    }
    return found.map { "\($0.sentence). \($0.remedy)" }
  }

  private func failure(_ exitCodeWhenSomeFail: Int32?) -> CommunicationError? {
    let failed = statements.enumerated().compactMap { rank, statement in statement.failure.map { (rank, $0) } }
    guard let (first, worst) = failed.first else { return nil }
    let isCommon = failed.count == statements.count
    var message = worst.message
    if !isCommon || Set(failed.map(\.1.message)).count > 1 {
      message = "rank \(first) (node \(statements[first].node)): \(message)"
      if failed.count > 1 { message += " (ranks that failed too: \(Self.list(failed.dropFirst().map(\.0))))" }
    }
    let code = isCommon ? worst.exitCode : exitCodeWhenSomeFail ?? worst.exitCode
    return CommunicationError(.rankFailed, message, exitCode: code, isShared: true)
  }

  private struct Difference {
    var sentence: String
    var weight: SharedValue.Weight
    var remedy: String
  }

  /// Of every value that differs, or of each of its parts that do: who differs from most, and both values.
  private func differences() -> [Difference] {
    var result: [Difference] = []
    for name in unique(statements.flatMap { $0.values.map(\.name) }) {
      let values = statements.map { statement in statement.values.first { $0.name == name } }
      guard Set(values).count > 1 else { continue }
      let some = values.compactMap { $0 }
      let weight = some.first { $0.weight != .advised }?.weight ?? .advised
      let remedy = some.first?.remedy ?? ""
      let keys = Set(some.flatMap(\.parts.keys)).sorted()
      let differing = keys.filter { key in Set(values.map { $0?.parts[key] }).count > 1 }
      if weight == .decisive { return [Difference(sentence: sentence(name, values.map { $0?.value }), weight: weight, remedy: remedy)] }
      // A rank that does not know the value at all has no parts either.
      if differing.isEmpty || some.count < values.count {
        result.append(Difference(sentence: sentence(name, values.map { $0?.value }), weight: weight, remedy: remedy))
      }
      if some.count < values.count { continue }
      for key in differing.prefix(Self.mostParts) {
        result.append(Difference(sentence: sentence("\(name)'s '\(key)'", values.map { $0?.parts[key] }), weight: weight, remedy: remedy))
      }
      if differing.count > Self.mostParts {
        result.append(Difference(sentence: "\(differing.count - Self.mostParts) more of \(name) differ", weight: weight, remedy: remedy))
      }
    }
    return result
  }

  /// Names the first rank that differs from what most ranks hold; of equally many, what the lower rank holds is taken for right.
  private func sentence(_ what: String, _ values: [String?]) -> String {
    let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
    let usual = values.indices.max { (counts[values[$0]] ?? 0, $1) < (counts[values[$1]] ?? 0, $0) } ?? 0
    let odd = values.indices.filter { values[$0] != values[usual] }
    func holds(_ rank: Int) -> String { "rank \(rank) (node \(statements[rank].node)) has \(values[rank] ?? "none")" }
    let others = odd.dropFirst()
    return "\(what) differs between ranks: " + (odd.first.map(holds) ?? "") + ", \(holds(usual))"
      + (others.isEmpty ? "" : " (ranks that differ too: \(Self.list(others)))")
  }

  private func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// Numbers of ranks, the first few of many.
  private static func list(_ ranks: some Collection<Int>) -> String {
    ranks.prefix(16).map(String.init).joined(separator: ", ") + (ranks.count > 16 ? " and \(ranks.count - 16) more" : "")
  }
}
