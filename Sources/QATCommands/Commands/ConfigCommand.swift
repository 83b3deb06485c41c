import ArgumentParser
import QAT

/// `qat config`.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check a configuration, or print it with every default.", subcommands: [Check.self, Print.self])

  /// `qat config check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say everything that is wrong with a configuration, with line and JSON path.",
      discussion: "Ends with 0 when the file is right, with 65 when it is not. Keys without an effect are warnings.")

    @Argument(help: "The configuration.", completion: .file(extensions: ["json"]))
    var file: String

    func run() throws {
      try Session.run("config check") { session in
        let configuration = try session.begin { try RunConfiguration(contentsOf: file) }
        configuration.warnings.forEach(session.warn)
        try session.result("\(file): no errors\(configuration.warnings.isEmpty ? "" : ", \(configuration.warnings.count) warnings")")
        return .done
      }
    }
  }

  /// `qat config print`.
  struct Print: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a configuration with every default, as a run would save it.")

    @Argument(help: "The configuration.", completion: .file(extensions: ["json"]))
    var file: String

    func run() throws {
      try Session.run("config print") { session in
        let configuration = try session.begin { try RunConfiguration(contentsOf: file) }
        configuration.warnings.forEach(session.warn)
        try session.result(configuration.resolvedJSON().text())
        return .done
      }
    }
  }
}
