import Foundation

/// The Swift blocks of the documentation, and their counterparts among the tests.
///
/// A block of README.md or docs is a piece of a test, letter for letter, between `// snippet <file>` and `// end of snippet`. So it is compiled and run, and can never rot.
enum Documentation {
  static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every file that may hold Swift blocks.
  static func files() throws -> [String] {
    let pages = try FileManager.default.contentsOfDirectory(atPath: package.appendingPathComponent("docs").path).map { "docs/\($0)" }
    let examples = try FileManager.default.subpathsOfDirectory(atPath: package.appendingPathComponent("Examples").path).map { "Examples/\($0)" }
    return (["README.md", "CONTRIBUTING.md"] + pages + examples).filter { $0.hasSuffix(".md") && !$0.contains("/.build/") }.sorted()
  }

  static func text(_ file: String) throws -> String { try String(contentsOf: package.appendingPathComponent(file), encoding: .utf8) }

  /// The Swift blocks of a page, without the import that stands once at the top of a test file.
  static func blocks(of file: String) throws -> [String] {
    var blocks: [String] = []
    var lines: [String]?
    for line in try text(file).components(separatedBy: "\n") {
      if let open = lines, line == "```" {
        blocks.append(open.joined(separator: "\n").replacing("import QAT\n\n", with: ""))
        lines = nil
      } else if lines != nil {
        lines?.append(line)
      } else if line == "```swift" {
        lines = []
      }
    }
    return blocks
  }

  /// The snippets of the tests beside this file, by the page they stand on.
  static func snippets() throws -> [String: [String]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    var snippets: [String: [String]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() where name.hasSuffix("Snippets.swift") {
      var open: (page: String, lines: [Substring])?
      for line in try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        let words = line.drop { $0 == " " }
        if words.hasPrefix("// snippet ") {
          open = (String(words.dropFirst("// snippet ".count)), [])
        } else if words == "// end of snippet", let snippet = open {
          snippets[snippet.page, default: []].append(unindented(snippet.lines))
          open = nil
        } else {
          open?.lines.append(line)
        }
      }
    }
    return snippets
  }

  private static func unindented(_ lines: [Substring]) -> String {
    let margin = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return lines.map { $0.dropFirst(margin) }.joined(separator: "\n")
  }
}
