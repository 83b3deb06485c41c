import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// A limit changes how much memory and time a run takes, and nothing else.
  @Suite struct MemoryLimitTests {
    private static let data = "--data synthetic:1,28,28,10,64"

    /// What a dry run says of the memory.
    private func memory(_ flags: String, _ folder: Scratch, ranks: Int? = nil) throws -> JSONNode {
      let line = "train --dry-run --config int8.json \(Self.data) --checkpoint-dir \(UUID().uuidString) \(flags) --json"
      let run = try ToolRun(line, in: folder, ranks: ranks)
      try #require(run.exitCode == 0, "\(run.errors)")
      return try #require(try run.json()["memory"])
    }

    private func bytes(_ memory: JSONNode, _ key: String) throws -> Int { try #require(memory[key]?.number?.integer, "\(key)") }

    @Test(
      arguments: [
        (nil, "", ""), (2, "--batch-size 16 --accumulation-steps 2", ""), (2, "--reproducible 2 --batch-size 8", ""),
        (2, "", "\"batch_norm\": \"synchronized\","),
      ] as [(Int?, String, String)])
    func aRunWithinALimitExportsTheSameFileAlsoWhenItGoesOnWithAnother(ranks: Int?, flags: String, keys: String) throws {
      let folder = try Scratch()
      let configuration = try #require(String(data: folder.bytes("int8.json"), encoding: .utf8))
      try folder.write("int8.json", configuration.replacingOccurrences(of: "\"seed\": 1,", with: "\"seed\": 1, \(keys)"))
      let free = try memory(flags, folder, ranks: ranks)
      let unlimited = try bytes(free, "unlimited_bytes")
      #expect(try bytes(free, "counted_bytes") <= unlimited && free["limit_bytes"] == nil)
      let limit = MemorySize(byteCount: unlimited * 8 / 10)
      let limited = try memory("\(flags) --memory-limit \(limit)", folder, ranks: ranks)
      #expect(try bytes(limited, "counted_bytes") <= limit.byteCount && bytes(limited, "limit_bytes") == limit.byteCount)
      #expect(try bytes(limited, "unlimited_bytes") == unlimited)
      #expect((limited["recomputed_share"]?.number?.double ?? 0) > 0 && limited["recomputed_steps"]?.members?.isEmpty == false)
      func train(_ words: String) throws {
        let run = try ToolRun("train --config int8.json \(Self.data) \(flags) \(words)", in: folder, ranks: ranks)
        try #require(run.exitCode == 0, "\(run.errors)")
        #expect(run.errors.contains("of the forward pass computed twice") == words.contains("--memory-limit"), "\(run.errors)")
      }
      try train("--checkpoint-dir free --max-steps 2 --export free.onnx")
      try train("--checkpoint-dir bound --max-steps 1 --memory-limit \(limit)")
      try train("--checkpoint-dir bound --max-steps 2 --memory-limit \(unlimited * 9 / 10)B --resume auto --export bound.onnx")
      #expect(try folder.bytes("bound.onnx") == folder.bytes("free.onnx"))
    }

    @Test func aLimitThatIsTooLowSaysWhatIsEnoughAndThatIs() throws {
      let folder = try Scratch()
      let line = "train --dry-run --config int8.json \(Self.data) --checkpoint-dir run"
      let refused = try ToolRun("\(line) --memory-limit 1MiB", in: folder)
      #expect(refused.exitCode == ExitStatus.input.rawValue)
      #expect(refused.errors.contains("the memory limit is 1MiB") && refused.errors.contains("--batch-size"), "\(refused.errors)")
      let least = try #require(refused.errors.firstMatch(of: /takes (\d+MiB) at least/)).1
      let run = try ToolRun("\(line) --memory-limit \(least)", in: folder)
      #expect(run.exitCode == 0 && run.output.contains("limit        \(least): instead of"), "\(run.errors)\(run.output)")
      #expect(run.output.contains("of the forward pass computed twice"))
      let ample = try ToolRun("\(line) --memory-limit 64GiB", in: folder)
      #expect(ample.output.contains("64GiB: nothing is computed twice"))
    }

    @Test func benchStaysWithinTheLimitOfTheConfigurationOrTheFlag() throws {
      let folder = try Scratch()
      try folder.write("limited.json", "{ \"memory_limit\": \"64GiB\" }")
      let line = "bench --model resnet_small --mode qat --config limited.json --batch-size 16 --steps 1 --json"
      let free = try #require(try ToolRun(line, in: folder).json()["memory"])
      #expect(try bytes(free, "limit_bytes") == 64 << 30 && free["recomputed_share"]?.number?.double == 0)
      let limit = try bytes(free, "counted_bytes") * 7 / 10
      let bound = try #require(try ToolRun("\(line) --memory-limit \(limit)B", in: folder).json()["memory"])
      #expect(try bytes(bound, "counted_bytes") <= limit && (bound["recomputed_share"]?.number?.double ?? 0) > 0)
    }

    @Test(arguments: ["2", "GiB", "-1GiB", "2 gigabytes", "0B"])
    func whatIsNoAmountOfMemoryIsRefused(size: String) throws {
      let run = try ToolRun(
        words: [try ToolRun.tool().path, "bench", "--model", "resnet_small", "--mode", "fp32", "--memory-limit=\(size)"], in: try Scratch())
      #expect(run.exitCode == ExitStatus.usage.rawValue && run.errors.contains("--memory-limit"), "\(run.errors)")
    }
  }
}
