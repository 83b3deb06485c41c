/// One thing that is wrong, or has no effect, in a configuration file.
public struct ConfigurationProblem: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Name of the file.
  public var file: String
  /// Line of the key or value, from 1; 0 when it concerns the whole file.
  public var line: Int
  /// Column of the key or value, from 1; 0 when it concerns the whole file.
  public var column: Int
  /// JSON path, such as `compression[0].weights.mode`; empty at the root.
  public var path: String
  /// What was found, what was expected, and the remedy.
  public var message: String

  /// A problem at a place.
  public init(file: String, line: Int, column: Int, path: String, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  /// `file:line: path: message`.
  public var description: String {
    let place = line > 0 ? "\(file):\(line)" : file
    return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
  }
}

/// Everything that is wrong with a configuration, found in one pass.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  /// The problems in the order of the file; never empty.
  public var problems: [ConfigurationProblem]

  /// An error of several problems.
  public init(_ problems: [ConfigurationProblem]) { self.problems = problems }

  /// The error of a text that is not even JSON.
  public init(_ error: JSONError) {
    self.init([ConfigurationProblem(file: error.file, line: error.line, column: error.column, path: error.path, message: error.message)])
  }

  /// The only problem, or a count and each problem on its line; the first forty of very many.
  public var description: String {
    if problems.count == 1 { return problems[0].description }
    let shown = problems.prefix(40).map { "\n  \($0)" }.joined()
    let rest = problems.count > 40 ? "\n  and \(problems.count - 40) more" : ""
    return "\(problems.count) errors in the configuration:\(shown)\(rest)"
  }
}
