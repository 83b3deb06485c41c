import QATGraph
import QATJSON

/// One entry of a scope list: an exact name, or, with the marker `{re}`, a regular expression searched in the name.
struct Scope {
  let text: String
  private let expression: Regex<AnyRegexOutput>?

  /// - Throws: `QuantizationError` when the expression cannot be read.
  init(_ text: String) throws(QuantizationError) {
    self.text = text
    guard text.contains("{re}") else {
      expression = nil
      return
    }
    do {
      expression = try Regex(Self.removingMarker(text))
    } catch {
      throw QuantizationError("the scope '\(text)' holds no valid regular expression behind {re}: \(error)")
    }
  }

  /// Whether the entry means the thing called `name`.
  func matches(_ name: String) -> Bool {
    guard let expression else { return name == text }
    return name.firstMatch(of: expression) != nil
  }

  private static func removingMarker(_ text: String) -> String {
    guard let range = text.firstRange(of: "{re}") else { return text }
    var result = text
    result.removeSubrange(range)
    return result
  }
}

/// What a target list and an ignored list leave: a name counts when it is among the targets (or there are none) and not ignored.
struct ScopeFilter {
  private let ignored: [Scope]
  private let targets: [Scope]?

  init(ignored: [String], targets: [String]?) throws(QuantizationError) {
    self.ignored = try ignored.map { (text) throws(QuantizationError) in try Scope(text) }
    if let targets {
      self.targets = try targets.map { (text) throws(QuantizationError) in try Scope(text) }
    } else {
      self.targets = nil
    }
  }

  /// The filter for quantizers of one kind: the section's ignored scopes and the group's; the group's targets instead of the section's.
  init(_ configuration: QuantizationConfiguration, _ kind: QuantizationPoint.Kind) throws(QuantizationError) {
    let group = kind == .weight ? configuration.weights : configuration.activations
    try self.init(ignored: configuration.ignoredScopes + group.ignoredScopes, targets: group.targetScopes ?? configuration.targetScopes)
  }

  func includes(_ name: String) -> Bool {
    if let targets, !targets.contains(where: { $0.matches(name) }) { return false }
    return !ignored.contains { $0.matches(name) }
  }
}

extension QuantizationConfiguration {
  /// Checks that every scope means something in `graph`.
  /// - Throws: `QuantizationError` listing all scopes without a match, each with the names nearest to it.
  func validateScopes(in graph: Graph) throws(QuantizationError) {
    let lists: [(key: String, scopes: [String])] = [
      ("ignored_scopes", validatesScopes ? ignoredScopes : []), ("target_scopes", validatesScopes ? targetScopes ?? [] : []),
      ("weights.ignored_scopes", weights.validatesScopes ? weights.ignoredScopes : []),
      ("weights.target_scopes", weights.validatesScopes ? weights.targetScopes ?? [] : []),
      ("activations.ignored_scopes", activations.validatesScopes ? activations.ignoredScopes : []),
      ("activations.target_scopes", activations.validatesScopes ? activations.targetScopes ?? [] : []),
    ]
    let names = graph.inputs.map(\.name) + graph.nodes.map(\.name)
    var faults: [String] = []
    for (key, scopes) in lists {
      for text in scopes {
        let scope = try Scope(text)
        if names.contains(where: scope.matches) { continue }
        let near = NearestWord.ranked(text.replacing("{re}", with: ""), among: names, count: 3).map { "'\($0)'" }.joined(separator: ", ")
        faults.append("  \(key): '\(text)' matches no node; nearest: \(near.isEmpty ? "nothing" : near)")
      }
    }
    guard !faults.isEmpty else { return }
    throw QuantizationError(
      "scopes that match nothing in the network '\(graph.name)' (exact node names, or {re} and a regular expression; "
        + "\"validate_scopes\": false accepts them):\n" + faults.joined(separator: "\n"))
  }
}
