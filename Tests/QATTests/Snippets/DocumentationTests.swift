import Foundation
import Testing

@Suite("The documentation")
struct DocumentationTests {
  @Test("every block is a piece of a test, and every such piece stands in the documentation", arguments: try Documentation.files())
  func blocksAreTests(page: String) throws {
    let (blocks, snippets) = (try Documentation.blocks(of: page), try Documentation.snippets()[page] ?? [])
    for block in blocks where !snippets.contains(block) {
      Issue.record(
        "\(page) has a Swift block that no test runs: put it between '// snippet \(page)' and '// end of snippet' in Tests/QATTests/Snippets:\n\(block)"
      )
    }
    for snippet in snippets where !blocks.contains(snippet) { Issue.record("a test has a snippet that \(page) does not have:\n\(snippet)") }
  }

  @Test("snippets belong to pages that there are")
  func pages() throws {
    let known = try Documentation.files()
    for page in try Documentation.snippets().keys where !known.contains(page) { Issue.record("there is no page \(page)") }
  }

  @Test("links lead to files and folders that there are", arguments: try Documentation.files() + ["README.ja.md", "CHANGELOG.md"])
  func links(page: String) throws {
    let folder = Documentation.package.appendingPathComponent(page).deletingLastPathComponent()
    for link in try Documentation.text(page).components(separatedBy: "](").dropFirst().map({ $0.components(separatedBy: ")")[0] }) {
      let path = link.components(separatedBy: "#")[0]
      guard !path.isEmpty, !link.hasPrefix("http") else { continue }
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path), "\(link)")
    }
  }

  @Test("the Japanese README has the program, the configuration and the export of the English one")
  func japaneseReadme() throws {
    let (english, japanese) = (try Documentation.text("README.md"), try Documentation.text("README.ja.md"))
    for language in ["swift", "json", "python"] {
      let blocks = [english, japanese].map { $0.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "```")[0] } }
      #expect(blocks[0] == blocks[1] && !blocks[0].isEmpty, "\(language)")
    }
  }

  @Test("every line of the workflow's table stands in a block that is run")
  func workflowTable() throws {
    let page = try Documentation.text("docs/workflow.md")
    let code = page.components(separatedBy: "```swift").dropFirst().map { $0.components(separatedBy: "```")[0] }.joined()
    let rows = page.components(separatedBy: "\n").filter { $0.hasPrefix("| [") }
    #expect(rows.count >= 13)
    for row in rows {
      let cells = row.components(separatedBy: " | ")
      try #require(cells.count == 4, "\(row)")
      let lines = cells[3].components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      #expect(!lines.isEmpty, "\(row)")
      for line in lines { #expect(code.contains(line), "\(line)") }
      // The row leads to a section of this page.
      let anchor = cells[0].components(separatedBy: "](#").last?.components(separatedBy: ")")[0] ?? ""
      let anchors = page.components(separatedBy: "\n").filter { $0.hasPrefix("## ") }.map {
        $0.dropFirst(3).lowercased().replacing(".", with: "").replacing(" ", with: "-")
      }
      #expect(anchors.contains(anchor), "\(anchor)")
    }
  }
}
