import QATGraph
import QATJSON

extension QuantizationConfiguration {
  /// Checks that every scope means something in `graph`.
  /// - Throws: `QuantizationError` listing all scopes without a match, each with the names nearest to it.
  func validateScopes(in graph: Graph) throws(QuantizationError) {
    let names = graph.inputs.map(\.name) + graph.nodes.map(\.name)
    var faults: [String] = []
    for (key, texts) in validatedScopes {
      for text in texts {
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

  /// The scope lists that must match something, by their keys.
  private var validatedScopes: [(key: String, scopes: [String])] {
    var lists: [(key: String, scopes: [String])] = []
    if validatesScopes {
      lists = [("ignored_scopes", ignoredScopes), ("target_scopes", targetScopes ?? [])]
      lists += QuantizationPoint.Kind.allCases.map { ("scope_overrides.\($0.sectionKey)", self[$0].overrides.map(\.scope)) }
    }
    for kind in QuantizationPoint.Kind.allCases where self[kind].validatesScopes {
      let (group, key) = (self[kind], kind.sectionKey)
      lists += [("\(key).ignored_scopes", group.ignoredScopes), ("\(key).target_scopes", group.targetScopes ?? [])]
    }
    return lists
  }
}
