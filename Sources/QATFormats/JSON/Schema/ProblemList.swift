/// Collects what is wrong with a document while it is read, so that one run tells everything.
public struct ProblemList: Sendable {
  /// Name of the file.
  public let file: String
  /// What makes the configuration unusable.
  public private(set) var errors: [ConfigurationProblem] = []
  /// What has no effect.
  public private(set) var warnings: [ConfigurationProblem] = []

  /// An empty list for a file.
  public init(file: String) { self.file = file }

  /// Notes an error at a value.
  public mutating func error(_ message: String, at node: JSONNode) { errors.append(problem(message, node.path, node.line, node.column)) }

  /// Notes an error at the key of a member.
  public mutating func error(_ message: String, at member: JSONMember) {
    errors.append(problem(message, member.value.path, member.line, member.column))
  }

  /// Notes at the key of a member that it has no effect.
  public mutating func warning(_ message: String, at member: JSONMember) {
    warnings.append(problem(message, member.value.path, member.line, member.column))
  }

  /// Notes at a value that it has no effect.
  public mutating func warning(_ message: String, at node: JSONNode) { warnings.append(problem(message, node.path, node.line, node.column)) }

  /// Throws all errors, in the order of the file, when there are any.
  public func throwErrors() throws(ConfigurationError) {
    guard errors.isEmpty else { throw ConfigurationError(Self.sorted(errors)) }
  }

  /// The warnings in the order of the file.
  public var sortedWarnings: [ConfigurationProblem] { Self.sorted(warnings) }

  private func problem(_ message: String, _ path: String, _ line: Int, _ column: Int) -> ConfigurationProblem {
    ConfigurationProblem(file: file, line: line, column: column, path: path, message: message)
  }

  private static func sorted(_ problems: [ConfigurationProblem]) -> [ConfigurationProblem] {
    problems.sorted { ($0.line, $0.column, $0.path) < ($1.line, $1.column, $1.path) }
  }
}
