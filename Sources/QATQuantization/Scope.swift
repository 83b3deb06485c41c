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

  /// The entries of a list.
  /// - Throws: `QuantizationError` for the first that cannot be read.
  static func list(_ texts: [String]) throws(QuantizationError) -> [Scope] {
    try texts.map { (text) throws(QuantizationError) in try Scope(text) }
  }

  private static func removingMarker(_ text: String) -> String {
    guard let range = text.firstRange(of: "{re}") else { return text }
    var result = text
    result.removeSubrange(range)
    return result
  }
}

/// What target lists and ignored lists leave: a name counts when it is among the targets (or there are none) and not ignored.
struct ScopeFilter {
  private let ignored: [(key: String, scope: Scope)]
  private let targets: (key: String, scopes: [Scope])?

  /// The filter for quantizers of one kind: the section's ignored scopes and the group's; the group's targets instead of the section's.
  init(_ configuration: QuantizationConfiguration, _ kind: QuantizationPoint.Kind) throws(QuantizationError) {
    let group = configuration[kind]
    ignored =
      try Scope.list(configuration.ignoredScopes).map { ("ignored_scopes", $0) }
      + Scope.list(group.ignoredScopes).map { ("\(kind.sectionKey).ignored_scopes", $0) }
    let targetKey = group.targetScopes == nil ? "target_scopes" : "\(kind.sectionKey).target_scopes"
    if let texts = group.targetScopes ?? configuration.targetScopes { targets = (targetKey, try Scope.list(texts)) } else { targets = nil }
  }

  /// Why the thing called `name` does not count; nil when it does.
  func exclusion(of name: String) -> String? {
    if let (key, scope) = ignored.first(where: { $0.scope.matches(name) }) { return "the scope '\(scope.text)' of \"\(key)\" ignores it" }
    guard let targets, !targets.scopes.contains(where: { $0.matches(name) }) else { return nil }
    return "no scope of \"\(targets.key)\" holds it"
  }
}
