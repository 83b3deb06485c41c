import Foundation
import Testing

@testable import QATCommands

/// The manual page is reviewed like help: QAT_UPDATE_SNAPSHOTS=1 writes docs/man/qat.1.
@Suite struct ManualTests {
  private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func isAsReviewed() throws {
    let file = Self.package.appendingPathComponent("docs/man/qat.1")
    let page = try ManualPage().text
    if ProcessInfo.processInfo.environment["QAT_UPDATE_SNAPSHOTS"] == "1" { try page.write(to: file, atomically: true, encoding: .utf8) }
    #expect(try String(contentsOf: file, encoding: .utf8) == page)
  }

  @Test func everyCommandHasASection() throws {
    let page = try ManualPage().text
    for command in QATCommand.configuration.subcommands {
      let name = try #require(command.configuration.commandName)
      #expect(page.contains("\n.SS qat \(name)\n"), "\(name)")
    }
    #expect(page.contains(".SS qat config check") && page.contains("\\fB\\-\\-checkpoint\\-dir\\fR \\fIdir\\fR"))
    // No line of text is taken for a request.
    let requests = Set(page.split(separator: "\n").filter { $0.hasPrefix(".") || $0.hasPrefix("'") }.map { $0.prefix { $0 != " " } })
    #expect(requests.isSubset(of: [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".I", ".RI", ".RS", ".RE", ".nf", ".fi", ".br"]), "\(requests)")
  }

  @Test func everyExitCodeIsDocumented() throws {
    let readme = try String(contentsOf: Self.package.appendingPathComponent("README.md"), encoding: .utf8)
    let page = try ManualPage().text
    let help = QATCommand.helpMessage(columns: 1000)
    for status in ExitStatus.allCases {
      #expect(readme.contains("\n| \(status.rawValue) | "), "README: \(status)")
      #expect(page.contains(".B \(status.rawValue)\n"), "man: \(status)")
      #expect(help.contains("\(status.rawValue) \(status.meaning)"), "help: \(status)")
    }
  }
}

extension ToolTests {
  /// What a shell gets.
  @Suite struct CompletionTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func aShellCompletesCommandsAndFlags(shell: String) throws {
      let folder = try Scratch()
      let run = try ToolRun("completions \(shell)", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.contains("analyze") && run.output.contains("checkpoint-dir"))
      guard shell == "bash" else { return }
      // The shell itself reads it and offers the commands that begin so.
      try folder.write("qat.bash", run.output)
      let script = "source qat.bash; COMP_WORDS=(qat ana); COMP_CWORD=1; COMP_LINE='qat ana'; COMP_POINT=7; _qat; echo \"${COMPREPLY[@]}\""
      let offered = try ToolRun(words: ["bash", "-c", script], in: folder)
      #expect(offered.exitCode == 0 && offered.output.contains("analyze"), "\(offered.output) \(offered.errors)")
    }

    @Test func theManualIsPrinted() throws {
      let folder = try Scratch()
      let run = try ToolRun("manual", in: folder)
      let page = try ManualPage().text
      #expect(run.exitCode == 0 && run.output == page && run.errors.isEmpty)
      #expect(try ToolRun("completions tcsh", in: folder).exitCode == 64)
    }
  }
}
