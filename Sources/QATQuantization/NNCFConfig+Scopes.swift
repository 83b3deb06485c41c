import QATJSON

/// A node's exact name, or `{re}` and a regular expression that is searched in names.
private let scopeExpectation = "a node's name or \"{re}\" and a regular expression"

/// Why a text is no scope, to follow "found ..."; nil when it is one.
private func fault(ofScope scope: String?) -> String? {
  guard let scope, !scope.isEmpty else { return "; expected \(scopeExpectation)" }
  guard let marker = scope.firstRange(of: "{re}") else { return nil }
  do {
    _ = try Regex(String(scope[..<marker.lowerBound] + scope[marker.upperBound...]))
    return nil
  } catch { return ", whose regular expression is invalid: \(error)" }
}

extension ValueRule where Value == [String] {
  /// Scopes: one or an array of them.
  public static let scopes = oneOrMany(
    ValueRule<String>(
      expecting: scopeExpectation,
      read: { node, problems in
        guard let fault = fault(ofScope: node.string) else { return node.string }
        problems.error("found \(node.summary)\(fault)", at: node)
        return nil
      },
      write: { .string($0) }))
}

extension ValueRule where Value == [QuantizationConfiguration.ScopeOverride] {
  /// An object whose keys are scopes and whose values are what is demanded there, in the order of the file.
  static let scopeOverrides = ValueRule(
    expecting: "an object with a scope a key",
    read: { node, problems in
      guard let members = node.members else {
        problems.error("found \(node.summary); expected an object with a scope a key", at: node)
        return nil
      }
      return members.compactMap { member in
        if let fault = fault(ofScope: member.key) {
          problems.error("found the key \(JSONValue.string(String(member.key.prefix(60))).text(.oneLine))\(fault)", at: member)
        }
        var override = QuantizationConfiguration.ScopeOverride(member.key)
        return QuantizationConfiguration.ScopeOverride.schema.read(member.value, into: &override, &problems) ? override : nil
      }
    },
    write: { overrides in
      .object(overrides.map { .init($0.scope, QuantizationConfiguration.ScopeOverride.schema.write($0)) })
    })
}
