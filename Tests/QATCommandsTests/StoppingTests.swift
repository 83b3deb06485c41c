import Foundation
import Testing

@testable import QATCommands

extension ToolTests {
  /// Every way to stop a run before its end.
  @Suite struct StoppingTests {
    private let line = "train --config fp32.json --data \(Scratch.data) --checkpoint-dir run --epochs 5000 --resume auto"

    /// In the middle of a step that takes long: only the second signal can end it so soon. What was saved before is there to go on from.
    @Test(arguments: zip([SIGINT, SIGTERM], [130, 143] as [Int32]))
    func theSameSignalAgainEndsAtOnceWithTheShellsCode(signal: Int32, code: Int32) throws {
      let folder = try Scratch()
      var count = 0
      let long = line.replacingOccurrences(of: Scratch.data, with: "synthetic:1,28,28,10,1024") + " --batch-size 1024"
      let run = try ToolRun(long, in: folder) { process in
        guard folder.exists("run/step-000000001") else { return true }
        kill(process.processIdentifier, signal)
        count += 1
        return count < 2
      }
      #expect(run.exitCode == code, "\(run.errors)")
      #expect(!run.errors.contains("--resume auto goes on"))
      #expect(try ToolRun("checkpoint verify run", in: folder).exitCode == 0)
    }

    @Test func aFileNamedSTOPStopsAndIsTakenAway() throws {
      let folder = try Scratch()
      let run = try ToolRun(line, in: folder) { _ in
        guard folder.exists("run/step-000000008") else { return true }
        try? folder.write("run/STOP", "")
        return false
      }
      #expect(run.exitCode == 75, "\(run.errors)")
      #expect(run.errors.contains("because there is a file run/STOP"))
      #expect(!folder.exists("run/STOP"))
    }

    /// Two ranks: the time is rank 0's, the other learns it with the step.
    @Test(arguments: [nil, 2]) func theLimitOfTimeStopsAllRanks(ranks: Int?) throws {
      let folder = try Scratch()
      let run = try ToolRun("\(line) --batch-size 16 --max-time 3s", in: folder, ranks: ranks)
      #expect(run.exitCode == 75, "\(run.errors)")
      #expect(run.errors.contains("because the time of --max-time 3s is over"))
      #expect(run.errors.contains("with the checkpoint run/step-"))
    }

    @Test func aRequestBeforeTheFirstStepIsHeededToo() throws {
      let folder = try Scratch()
      try FileManager.default.createDirectory(at: folder.url("run"), withIntermediateDirectories: true)
      try folder.write("run/STOP", "")
      let line = "train --config int8.json --data \(Scratch.data) --checkpoint-dir run --resume auto --max-steps 2"
      let stopped = try ToolRun(line, in: folder)
      #expect(stopped.exitCode == 75, "\(stopped.errors)")
      #expect(stopped.errors.contains("before there was a checkpoint"))
      #expect(!folder.exists("run/STOP"))
      let run = try ToolRun(line, in: folder)
      #expect(run.exitCode == 0, "\(run.errors)")
    }

    @Test(
      arguments: zip(
        ["90s", "55m", "4h", "2d", "1h30m", "1-12:00:00", "2-3", "1-02:30", "01:00:00", "30:15"],
        [90, 3300, 14400, 172_800, 5400, 129_600, 183_600, 95_400, 3600, 1815]))
    func limitsAreWrittenAsPeopleAndSlurmWriteThem(text: String, seconds: Int) { #expect(TimeLimit(argument: text)?.seconds == seconds) }

    @Test(arguments: ["", "0s", "90", "h", "5x", "1m1h", "1h2", "-1s", "1:2:3:4", "1-", "1-1-1", "1.5h", "99999999h"])
    func limitsThatCouldMeanTwoThingsAreRefused(text: String) { #expect(TimeLimit(argument: text) == nil) }
  }
}
