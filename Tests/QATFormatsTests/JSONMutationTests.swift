import Foundation
import QATJSON
import QATTraining
import Testing

@Suite("Damaged configurations") struct JSONMutationTests {
  private static func corpus() throws -> [[UInt8]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/configurations")
    return try ["valid", "invalid"].flatMap { verdict in
      let files = try FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent(verdict), includingPropertiesForKeys: nil)
      return try files.sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    }
  }

  @Test("are read or refused with a place inside the file, and never trap", arguments: 0..<8)
  func mutations(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var refused = 0
    for bytes in try Self.corpus() {
      for _ in 0..<40 {
        let damaged = bytes.mutated(using: &random)
        let lines = damaged.count { $0 == UInt8(ascii: "\n") } + 1
        do {
          let document = try JSONDocument.parse(bytes: damaged, file: "f")
          // What the reader accepts, the writer writes and the reader reads again.
          let value = JSONValue(document.root)
          #expect(JSONValue(try JSONDocument.parse(value.text(), file: "f").root) == value)
          _ = try RunConfiguration(document: document, folder: "/")
        } catch let error as JSONError {
          refused += 1
          #expect((1...lines).contains(error.line))
          #expect((1...damaged.count + 1).contains(error.column))
        } catch let error as ConfigurationError {
          refused += 1
          #expect(error.problems.allSatisfy { (1...lines).contains($0.line) })
        }
      }
    }
    #expect(refused > 100)
  }

  @Test("Every beginning of a file is read or refused") func truncations() throws {
    for bytes in try Self.corpus() {
      for count in stride(from: 0, to: bytes.count, by: 7) {
        do { _ = try JSONDocument.parse(bytes: Array(bytes[..<count]), file: "f") } catch {
          #expect(error.line > 0)
        }
      }
    }
  }
}
