import QATJSON

extension ValueRule where Value == [String] {
  /// Scopes: a node's exact name, or `{re}` and a regular expression that is searched in names; one of them or an array.
  static let scopes = oneOrMany(
    ValueRule<String>(
      expecting: "a node's name or \"{re}\" and a regular expression",
      read: { node, problems in
        guard let scope = node.string, !scope.isEmpty else {
          problems.error("found \(node.summary); expected a node's name or \"{re}\" and a regular expression", at: node)
          return nil
        }
        guard let marker = scope.firstRange(of: "{re}") else { return scope }
        let pattern = String(scope[..<marker.lowerBound] + scope[marker.upperBound...])
        do { _ = try Regex(pattern) } catch {
          problems.error("found \(node.summary), whose regular expression is invalid: \(error)", at: node)
          return nil
        }
        return scope
      },
      write: { .string($0) }))
}
