import Foundation
import Testing

extension ParallelTests {
  @Suite("Stopping")
  struct Stopping {
    @Test("work in rounds ends on all ranks after the same round when one is asked to stop", arguments: [1, 2, 3])
    func rounds(size: Int) throws {
      for (how, expected) in [("none", "10 rounds"), ("stop", "5 rounds, interrupt")] {
        let run = try ParallelRun("rounds", how, ranks: size)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<size { #expect(run.lines[rank] == [expected], "rank \(rank)") }
      }
    }

    @Test("work in rounds ends on all ranks when one fails, with its words", arguments: [1, 2, 3])
    func failingRound(size: Int) throws {
      let run = try ParallelRun("rounds", "fail", ranks: size)
      #expect(run.exitCode != 0)
      #expect(run.errors.contains("sample 7 cannot be read"))
      for rank in 0..<size { #expect(run.lines[rank] == ["5 rounds, failed"], "rank \(rank)") }
    }

    /// What a run of the scenario says, the same on both ranks.
    private func train(_ folder: String, signalAtSample sample: Int = 0, inEvaluation evaluation: Int = 0) throws -> String {
      let run = try ParallelRun("stopping", folder, "\(sample)", "\(evaluation)", ranks: 2)
      #expect(run.exitCode == 0, "\(run.errors)")
      let line = try #require(run.lines[0]?.first)
      #expect(run.lines == [0: [line], 1: [line]], "the ranks agree")
      return line
    }

    @Test("a signal to one rank stops all at the same step; going on gives the bytes of not stopping", arguments: [60, 333])
    func signal(sample: Int) throws {
      let root = FileManager.default.temporaryDirectory.appendingPathComponent("qat-stopping-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: root) }
      let (whole, parts) = ("\(root)/whole", "\(root)/parts")
      #expect(try train(whole) == "from 0 to 120 exit 0")
      let stopped = try train(parts, signalAtSample: sample).split(separator: " ")
      let step = try #require(Int(stopped[3]))
      #expect(stopped[5] == "75")
      // Reading runs a few batches of eight ahead of training.
      #expect(step <= sample / 8 + 1 && step < 120)
      #expect(try newestCheckpoint(in: parts).keys.allSatisfy { $0.hasPrefix("step-") && $0.contains("\(step)/") })
      #expect(try train(parts) == "from \(step) to 120 exit 0")
      #expect(try newestCheckpoint(in: whole) == newestCheckpoint(in: parts))
    }

    @Test("an evaluation that was cut short is done again, and the run ends with the bytes of not stopping", arguments: [1, 2, 10])
    func evaluation(number: Int) throws {
      let root = FileManager.default.temporaryDirectory.appendingPathComponent("qat-stopping-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: root) }
      let (whole, parts) = ("\(root)/whole", "\(root)/parts")
      #expect(try train(whole) == "from 0 to 120 exit 0")
      // Twelve steps an epoch.
      #expect(try train(parts, inEvaluation: number) == "from 0 to \(12 * number) exit 75")
      #expect(try evaluations(parts) == evaluations(whole).prefix(number - 1).map { $0 }, "the one that was cut short counts for nothing")
      #expect(try train(parts) == "from \(12 * number) to 120 exit 0")
      #expect(try newestCheckpoint(in: whole) == newestCheckpoint(in: parts))
      #expect(try evaluations(parts) == evaluations(whole))
      #expect(try evaluations(whole).count == 10)
      for hint in ["latest", "best"] {
        #expect(try String(contentsOfFile: "\(parts)/\(hint)", encoding: .utf8) == String(contentsOfFile: "\(whole)/\(hint)", encoding: .utf8))
      }
    }

    /// The lines of evaluations in a run's log.
    private func evaluations(_ folder: String) throws -> [String] {
      try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8).split(separator: "\n").filter { $0.contains("validation") }.map(
        String.init)
    }
  }
}
