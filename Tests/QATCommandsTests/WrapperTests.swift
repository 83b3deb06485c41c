import Foundation
import Testing

extension ToolTests {
  /// scripts/qat-mpirun with real runs of two ranks.
  @Suite("qat-mpirun", .serialized)
  struct WrapperTests {
    private static let line =
      "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --batch-size 16 --epochs 16 --resume auto --export out.onnx"

    /// What the run of `line` leaves when nothing happens to it.
    private static let undisturbed = Result {
      let folder = try Scratch()
      let run = try ToolRun(wrapped: "-n 2", line, in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      return try results(folder)
    }

    private static func results(_ folder: Scratch) throws -> [Data] {
      try ["out.onnx", "run/step-000000128/model.safetensors", "run/step-000000128/optimizer.safetensors"].map(folder.bytes)
    }

    @Test(
      "a signal stops all ranks with a checkpoint, and the same command goes on",
      arguments: [(SIGTERM, 75), (SIGINT, 130)] as [(Int32, Int32)])
    func stops(signal: Int32, code: Int32) throws {
      let folder = try Scratch()
      let stopped = try ToolRun(wrapped: "-n 2", Self.line, in: folder) { process in
        guard folder.exists("run/latest") else { return true }
        kill(process.processIdentifier, signal)
        return false
      }
      #expect(stopped.exitCode == code, "\(stopped.errors)")
      #expect(stopped.errors.contains("--resume auto goes on"))
      #expect(!folder.exists("out.onnx"))
      let finished = try ToolRun(wrapped: "-n 2", Self.line, in: folder)
      #expect(finished.exitCode == 0, "\(finished.errors)")
      #expect(finished.errors.contains("going on after step"))
      #expect(try Self.results(folder) == Self.undisturbed.get())
    }

    @Test("the same signal again ends everything at once", arguments: [(SIGTERM, 143), (SIGINT, 130)] as [(Int32, Int32)])
    func insists(signal: Int32, code: Int32) throws {
      let folder = try Scratch()
      var ranks: [Int32] = []
      let run = try ToolRun(wrapped: "-n 2", Self.line.replacingOccurrences(of: "16 --resume", with: "4000 --resume"), in: folder) { process in
        guard folder.exists("run/latest") else { return true }
        ranks = ToolRun.ranks(of: process)
        // Ranks that do not answer a polite request.
        for rank in ranks { kill(rank, SIGSTOP) }
        kill(process.processIdentifier, signal)
        Thread.sleep(forTimeInterval: 0.3)
        kill(process.processIdentifier, signal)
        return false
      }
      #expect(run.exitCode == code, "\(run.errors)")
      #expect(ranks.count == 2)
      for rank in ranks { #expect(Self.ends(rank), "rank process \(rank) is left") }
    }

    @Test("a rank that is killed costs nothing but time: the run goes on from its checkpoint to the same bytes")
    func restarts() throws {
      let folder = try Scratch()
      let run = try ToolRun(wrapped: "--max-restarts 2 --restart-pause 1 -n 2", Self.line, in: folder) { process in
        guard folder.exists("run/latest"), let victim = ToolRun.ranks(of: process).last else { return true }
        kill(victim, SIGKILL)
        return false
      }
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.errors.contains("qat-mpirun: the run ended with exit code 137; restart 1 of 2 in 1 s, from the newest checkpoint"))
      #expect(run.errors.contains("going on after step"))
      #expect(try Self.results(folder) == Self.undisturbed.get())
    }

    @Test(
      "what would fail again is not tried again",
      arguments: [("train --config nowhere.json --checkpoint-dir run", 65), ("train --nonsense", 64)] as [(String, Int32)])
    func givesUp(line: String, code: Int32) throws {
      let run = try ToolRun(wrapped: "--max-restarts 3 --restart-pause 0 -n 2", line, in: Scratch())
      #expect(run.exitCode == code, "\(run.errors)")
      #expect(!run.errors.contains("restart 1"))
    }

    @Test("after the last restart the exit code is the run's")
    func runsOut() throws {
      let folder = try Scratch()
      try folder.write("file", "")
      // A folder that cannot be made.
      let run = try ToolRun(
        wrapped: "--max-restarts 1 --restart-pause 0 -n 2", Self.line.replacingOccurrences(of: "run ", with: "file/run "), in: folder)
      #expect(run.exitCode == 7, "\(run.errors)")
      #expect(run.errors.contains("restart 1 of 1") && !run.errors.contains("restart 2"))
    }

    @Test("what was said is left alone, the rest is chosen")
    func chooses() throws {
      let folder = try Scratch()
      func command(_ options: String) throws -> String { try ToolRun(wrapped: "--dry-run \(options)", "doctor", in: folder).output }
      // The tests' environment says OMP_NUM_THREADS=1.
      #expect(try command("-n 1").hasPrefix("OMP_NUM_THREADS=1 "))
      #expect(try command("-n 4096").contains("OMP_WAIT_POLICY=passive mpirun --map-by slot:OVERSUBSCRIBE --bind-to none -n 4096"))
      for own in ["--bind-to socket", "--map-by ppr:1:numa:PE=8", "--rankfile ranks"] {
        #expect(try command("-n 1 \(own)").contains("mpirun  -n 1 \(own) "))
      }
      #expect(try command("-n 1 -x OMP_NUM_THREADS=3").hasPrefix("OMP_NUM_THREADS=3 "))
      #expect(try command("--network 10.0.0.0/24 -n 1").contains(" --mca btl_tcp_if_include 10.0.0.0/24 --mca oob_tcp_if_include 10.0.0.0/24 "))
      try folder.write("hosts", "# two machines\nn1 slots=1\nn2 slots=1\n")
      let far = try command("--hostfile hosts -n 2")
      #expect(far.contains(" -x OMP_NUM_THREADS ") && far.contains(" -x PATH ") && !far.contains("OVERSUBSCRIBE"))
      #expect(try ToolRun(wrapped: "--dry-run --hostfile nowhere -n 2", "doctor", in: folder).exitCode == 64)
    }

    /// Whether a process ends within some seconds, or has ended.
    private static func ends(_ pid: Int32) -> Bool {
      for _ in 0..<100 {
        // The third word is the state; a zombie only waits to be counted.
        let words = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8))?.split(separator: " ") ?? []
        if words.count < 3 || words[2] == "Z" { return true }
        Thread.sleep(forTimeInterval: 0.05)
      }
      return false
    }
  }
}
