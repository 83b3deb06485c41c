import Foundation
import QAT
import Testing

extension ToolTests {
  /// A run that goes on from an older checkpoint of its folder, and is killed there.
  @Suite struct GoingBackTests {
    @Test(arguments: [nil, 2]) func whatAKilledRunWentBackBehindIsRemovedByTheNextWhichEndsWithTheSameBytes(ranks: Int?) throws {
      let folder = try Scratch()
      let line =
        "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --batch-size \(32 / (ranks ?? 1)) --checkpoint-every 2 --resume"
      func names(_ prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.url("run").path).filter { $0.hasPrefix(prefix) }.sorted()
      }
      let whole = try ToolRun("\(line) auto", in: folder, ranks: ranks)
      try #require(whole.exitCode == 0, "\(whole.errors)")
      let last = try folder.bytes("run/step-000000008/model.safetensors")

      let killed = try ToolRun("\(line) run/step-000000004", in: folder, ranks: ranks) { process in
        // The newest goes first, and this one last.
        guard (try? names(".abandoned-step-000000006").isEmpty) == false else { return true }
        for rank in ranks == nil ? [process.processIdentifier] : ToolRun.ranks(of: process) { kill(rank, SIGKILL) }
        return false
      }
      #expect([SIGKILL, 128 + SIGKILL].contains(killed.exitCode), "\(killed.errors)")
      let abandoned = try names(".abandoned-")
      #expect(abandoned.count == 2 && abandoned[0].hasPrefix(".abandoned-step-000000006-"), "\(abandoned)")
      for name in abandoned { #expect(throws: Never.self) { try CheckpointDirectory.read(folder.url("run/\(name)").path) } }

      let again = try ToolRun("\(line) auto", in: folder, ranks: ranks)
      #expect(again.exitCode == 0, "\(again.errors)")
      #expect(try names(".") == [])
      #expect(try folder.bytes("run/step-000000008/model.safetensors") == last)
    }
  }
}
