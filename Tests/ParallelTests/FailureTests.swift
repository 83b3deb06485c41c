import Foundation
import Testing

extension ParallelTests {
  @Suite("Failures")
  struct Failures {
    @Test("when every rank succeeds all go on", arguments: [1, 2, 4])
    func agreement(size: Int) throws {
      let run = try ParallelRun("agreement", "none", ranks: size)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<size).map { ($0, ["read 6000"]) }))
    }

    @Test("a rank that cannot read its data ends all with one message that names it", arguments: [2, 4])
    func oneFails(size: Int) throws {
      let run = try ParallelRun("agreement", "one", ranks: size)
      #expect(run.exitCode == 7)
      #expect(run.lines.isEmpty)
      let message = try #require(run.ownErrors.first)
      #expect(run.ownErrors.count == 1)
      #expect(message.hasPrefix("error: rank \(size - 1) (node \(ProcessInfo.processInfo.hostName)): /nowhere/fashion: "))
      #expect(!run.errors.contains("MPI_ABORT"))
    }

    @Test("an error that all ranks share is said once, without a rank", arguments: [1, 2, 4])
    func allFail(size: Int) throws {
      let run = try ParallelRun("agreement", "all", ranks: size)
      #expect(run.exitCode == (size == 1 ? 1 : 7))
      #expect(run.ownErrors.count == 1)
      #expect(run.errors.contains("/nowhere/fashion: there is no such file or folder"))
      #expect(!run.errors.contains("rank 0 (node"))
    }

    @Test("ranks that differ are told which one, and both values", arguments: [(2, 1), (4, 0), (4, 2)])
    func mismatch(size: Int, odd: Int) throws {
      let run = try ParallelRun("mismatch", "\(odd)", ranks: size)
      let usual = odd == 0 ? 1 : 0
      #expect(run.exitCode == 3)
      #expect(run.ownErrors.count == 1)
      #expect(run.errors.contains("the configuration differs between ranks: rank \(odd) "))
      #expect(run.errors.contains(" has bad, rank \(usual) "))
      #expect(run.errors.contains(" has 900d"))
      #expect(run.lines.values.allSatisfy { $0 == ["same model"] })
    }

    @Test("an error on one rank while the others wait ends all, with rank, node and exit code", arguments: [1, 2, 4])
    func abort(size: Int) throws {
      let run = try ParallelRun("abort", ranks: size, timeout: 60)
      #expect(run.exitCode == 5)
      let place = size == 1 ? "error: " : "[rank \(size - 1) node \(ProcessInfo.processInfo.hostName)] "
      #expect(run.errors.contains("\(place)the scale of conv1|WEIGHT is not finite\n"))
      #expect(run.lines.isEmpty)
    }

    @Test("a launcher that belongs to another MPI is recognised")
    func wrongLaunch() throws {
      let run = try ParallelRun("who", ranks: nil, environment: ["PMI_RANK": "0", "PMI_SIZE": "4"])
      #expect(run.exitCode == 2)
      #expect(run.errors.contains("has started 4 processes, but each sees 1"))
    }
  }
}
