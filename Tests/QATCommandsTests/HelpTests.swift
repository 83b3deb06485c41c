import ArgumentParser
import Foundation
import Testing

@testable import QATCommands

/// Help is reviewed like code: a change of it changes a file in Snapshots. QAT_UPDATE_SNAPSHOTS=1 writes them.
@Suite struct HelpTests {
  @Test(arguments: [
    "qat", "train", "quantize", "evaluate", "verify", "export", "inspect", "analyze", "report", "bench", "doctor", "init", "completions", "manual",
    "config",
    "config check", "config print",
    "checkpoint",
    "checkpoint ls",
    "checkpoint verify", "checkpoint show", "checkpoint diff",
  ])
  func isAsReviewed(name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Snapshots/\(name.replacingOccurrences(of: " ", with: "-")).txt")
    let help = QATCommand.helpMessage(for: try #require(command(name)), columns: 100) + "\n"
    if ProcessInfo.processInfo.environment["QAT_UPDATE_SNAPSHOTS"] == "1" { try help.write(to: file, atomically: true, encoding: .utf8) }
    #expect(try String(contentsOf: file, encoding: .utf8) == help)
  }

  @Test(arguments: ["train", "quantize", "evaluate", "verify", "export", "inspect", "analyze", "report", "bench", "doctor"])
  func showsAnExample(name: String) throws {
    let lines = QATCommand.helpMessage(for: try #require(command(name)), columns: 1000).split(separator: "\n")
    #expect(lines.contains { $0.contains("qat \(name) --") || $0.contains("qat \(name) runs/") || $0.hasSuffix("qat \(name)") })
  }

  private func command(_ path: String) -> (any ParsableCommand.Type)? {
    if path == "qat" { return QATCommand.self }
    var current: any ParsableCommand.Type = QATCommand.self
    for name in path.split(separator: " ") {
      guard let next = current.configuration.subcommands.first(where: { ($0.configuration.commandName ?? "\($0)".lowercased()) == name }) else {
        return nil
      }
      current = next
    }
    return current
  }
}
