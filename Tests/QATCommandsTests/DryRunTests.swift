import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// Everything is checked and nothing is written.
  @Suite struct DryRunTests {
    private func contents(_ folder: Scratch) throws -> Set<String> {
      Set(try FileManager.default.subpathsOfDirectory(atPath: folder.root.path)).filter { !$0.hasPrefix("std") }.reduce(into: []) { $0.insert($1) }
    }

    @Test(arguments: [nil, 2])
    func aTrainingIsCheckedToItsFirstStep(ranks: Int?) throws {
      let folder = try Scratch()
      let before = try contents(folder)
      let line = "train --dry-run --config int8.json --data \(Scratch.data) --checkpoint-dir run --export int8.onnx --json"
      let run = try ToolRun(line, in: folder, ranks: ranks)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(try contents(folder) == before, "nothing is written")
      let found = try run.json()
      #expect(found["dry_run"]?.bool == true && found["samples"]?.number?.integer == 256 && found["ranks"]?.number?.integer == ranks ?? 1)
      #expect(found["steps"]?.number?.integer == 8 / (ranks ?? 1) && found["weight_quantizers"]?.number?.integer == 10)
      #expect((found["first_step_seconds"]?.number?.double ?? 0) > 0 && (found["peak_memory_bytes"]?.number?.integer ?? 0) > 10_000_000)
      // What a real run writes.
      let real = try ToolRun("train --config int8.json --data \(Scratch.data) --checkpoint-dir run --max-steps 1 --export int8.onnx", in: folder)
      try #require(real.exitCode == 0, "\(real.errors)")
      let exported = try folder.bytes("int8.onnx").count
      #expect(abs((found["files"]?.array?.first?["bytes"]?.number?.integer ?? 0) - exported) < 200)
      let tensors = try ["model", "optimizer"].reduce(0) { try $0 + folder.bytes("run/step-000000001/\($1).safetensors").count }
      let promised = try #require(found["checkpoint_bytes"]?.number?.integer)
      #expect(abs(promised - tensors) < tensors / 10, "\(promised) promised, \(tensors) written")
    }

    @Test func whatWouldStopTheRunIsSaid() throws {
      let folder = try Scratch()
      let first = try ToolRun("train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --max-steps 2", in: folder)
      try #require(first.exitCode == 0, "\(first.errors)")
      let line = "train --dry-run --config fp32.json --data \(Scratch.data)"
      let occupied = try ToolRun("\(line) --checkpoint-dir run", in: folder)
      #expect(occupied.exitCode == ExitStatus.storage.rawValue && occupied.errors.contains("already holds a run"))
      let resumed = try ToolRun("\(line) --checkpoint-dir run --resume auto", in: folder)
      #expect(resumed.exitCode == 0 && resumed.output.contains("going on after 2"), "\(resumed.errors)")
      let nowhere = try ToolRun("\(line) --checkpoint-dir other --export none/a.onnx", in: folder)
      #expect(nowhere.exitCode == ExitStatus.storage.rawValue && nowhere.errors.contains("'none'"))
      let wrong = try ToolRun("\(line) --checkpoint-dir /proc/run", in: folder)
      #expect(wrong.exitCode == ExitStatus.storage.rawValue || getuid() == 0, "\(wrong.errors)")
    }

    @Test func quantizingIsTriedWithoutFiles() throws {
      let folder = try Scratch()
      let before = try contents(folder)
      let run = try ToolRun("quantize --dry-run --config int8.json --data \(Scratch.data) --export int8.onnx --json", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.errors.contains("would write int8.onnx") && !run.errors.contains("wrote int8.onnx"))
      #expect(try JSONValue(run.json())["weights"]?["total"] == 10)
      #expect(try contents(folder) == before)
    }

    @Test func resultsComeAsOneObject() throws {
      let folder = try Scratch()
      let run = try ToolRun("train --config int8.json --data \(Scratch.data) --checkpoint-dir run --max-steps 2 --json", in: folder, ranks: 2)
      try #require(run.exitCode == 0, "\(run.errors)")
      let found = try run.json()
      #expect(found["networks"]?.array?.last?["name"]?.string == "as integers" && found["steps"]?.number?.integer == 2)
      #expect(found["networks"]?.array?.allSatisfy { $0["top1"]?.number != nil && $0["count"]?.number?.integer == 256 } == true)
      #expect(found["report"]?.string == "run/report.html")
    }

    @Test func withoutATerminalAndWithNoColorThereAreNoControlCharacters() throws {
      let folder = try Scratch()
      let line = "train --config fp32.json --data \(Scratch.data) --max-steps 3 --checkpoint-dir run"
      // script gives the program a terminal.
      let moving = try ToolRun(words: ["env", "TERM=xterm", "script", "-qec", "\(try ToolRun.tool().path) \(line)", "/dev/null"], in: folder)
      let plain = try ToolRun(
        words: ["env", "TERM=xterm", "NO_COLOR=1", "script", "-qec", "\(try ToolRun.tool().path) \(line)-2", "/dev/null"], in: folder)
      #expect(moving.exitCode == 0 && plain.exitCode == 0, "\(moving.output) \(plain.output)")
      #expect(!plain.output.contains("\u{1B}") && plain.output.contains("epoch 1/1 done"))
      let piped = try ToolRun("\(line)-3", in: folder)
      #expect(!piped.errors.contains("\u{1B}") && !piped.output.contains("\u{1B}"))
    }
  }
}
