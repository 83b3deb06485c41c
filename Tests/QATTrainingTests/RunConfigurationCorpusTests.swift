import Foundation
import QATJSON
import QATTraining
import Testing

/// A configuration of the corpus and the problems that its comments announce.
struct ConfigurationFixture: CustomTestStringConvertible, Sendable {
  var path: String
  /// `LINE: beginning of the message`, in the order of the file.
  var announced: [String]

  var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }

  static func all(_ verdict: String) throws -> [ConfigurationFixture] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/configurations/\(verdict)").path
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
      let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      let announced = text.split(separator: "\n").compactMap { line in line.firstRange(of: "//! ").map { String(line[$0.upperBound...]) } }
      return ConfigurationFixture(path: "\(folder)/\(name)", announced: announced)
    }
  }

  /// Whether the descriptions are exactly the announced ones.
  func expect(_ descriptions: [String]) {
    #expect(descriptions.count == announced.count, "\(descriptions.joined(separator: "\n"))")
    for (description, start) in zip(descriptions, announced) {
      #expect(description.hasPrefix("\(path):\(start)"))
    }
  }
}

@Suite("The corpus of configurations") struct RunConfigurationCorpusTests {
  @Test("holds files") func corpusIsThere() throws {
    #expect(try ConfigurationFixture.all("valid").count >= 6)
    #expect(try ConfigurationFixture.all("invalid").count >= 15)
  }

  @Test("Valid files are read with the announced warnings", arguments: try ConfigurationFixture.all("valid"))
  func validFilesAreRead(_ fixture: ConfigurationFixture) throws {
    fixture.expect(try RunConfiguration(contentsOf: fixture.path).warnings)
  }

  @Test("Invalid files are refused with all announced errors at once", arguments: try ConfigurationFixture.all("invalid"))
  func invalidFilesAreRefused(_ fixture: ConfigurationFixture) throws {
    let error = try #require(throws: ConfigurationError.self) { try RunConfiguration(contentsOf: fixture.path) }
    fixture.expect(error.problems.map(\.description))
    #expect(error.problems.allSatisfy { $0.line > 0 && $0.column > 0 })
  }

  @Test("The resolved form of a valid file reads back as the same configuration, without warnings", arguments: try ConfigurationFixture.all("valid"))
  func resolvedFormReadsBack(_ fixture: ConfigurationFixture) throws {
    var configuration = try RunConfiguration(contentsOf: fixture.path)
    let text = configuration.resolvedJSON().text()
    let again = try RunConfiguration(document: JSONDocument.parse(text, file: "/elsewhere/resolved.json"))
    configuration.warnings = []
    #expect(again.resolvedJSON() == configuration.resolvedJSON())
    #expect(again.nncf == configuration.nncf)
    #expect(again.warnings == [])
    #expect(again.resolvedJSON().text() == text)
  }

  /// The keys in the first column of the manual's tables: all that there are, which another test checks.
  private static func documentedKeys() throws -> Set<String> {
    let manual = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/configuration.md")
    let rows = try String(contentsOf: manual, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }
    let cells = rows.flatMap { $0.dropFirst(2).prefix { $0 != "|" }.split(separator: ",") }
    // Devices stand in such a column as well; no key is in capitals.
    return Set(cells.map { $0.filter { !" `".contains($0) } }.filter { $0 != $0.uppercased() })
  }

  @Test("Every documented key stands in a valid file") func everyKeyIsValidSomewhere() throws {
    let text = try ConfigurationFixture.all("valid").map { try String(contentsOfFile: $0.path, encoding: .utf8) }.joined()
    let keys = try Self.documentedKeys()
    #expect(keys.count > 100)
    #expect(keys.filter { !text.contains("\"\($0)\"") }.sorted() == [])
  }

  @Test("Every documented key is refused somewhere for what it holds or where it stands") func everyKeyIsRefusedSomewhere() throws {
    let problems = try ConfigurationFixture.all("invalid").flatMap { fixture in
      try #require(throws: ConfigurationError.self) { try RunConfiguration(contentsOf: fixture.path) }.problems
    }
    let named = Set(problems.flatMap { problem in problem.path.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init) })
    #expect(try Self.documentedKeys().subtracting(named).sorted() == [])
  }
}
