import Foundation
import Testing

extension ParallelTests {
  /// Ranks that do not go on, with a stall timeout of five seconds.
  @Suite("Stalls")
  struct Stalls {
    private let node = ProcessInfo.processInfo.hostName

    /// Runs the scenario; Swift's own crash reports take longer than the test.
    private func stall(_ kind: String, rank: Int, ranks: Int = 3) throws -> ParallelRun {
      try ParallelRun("stall", kind, "\(rank)", ranks: ranks, environment: Self.environment, timeout: 45)
    }

    private static let environment = ["PARALLEL_WORKER_STALL_TIMEOUT": "5", "SWIFT_BACKTRACE": "enable=no"]

    @Test("a rank that is stopped is named with what it was doing, and all end", arguments: [2, 0])
    func stopped(rank: Int) throws {
      let run = try stall("stop", rank: rank)
      #expect(run.exitCode == 6)
      #expect(run.errors.contains(#/is late: last heard [0-9.]+ s ago in step [0-9]+, /#), "\(run.errors)")
      #expect(run.errors.contains("error: rank \(rank) (node \(node)) is late"))
      #expect(run.ownErrors.count { $0.contains("is late: last heard") } == 1, "\(run.errors)")
      #expect(run.lines.isEmpty)
    }

    @Test("a rank that lives but does not go on is named, and who waits for it")
    func hanging() throws {
      let run = try stall("hang", rank: 1)
      #expect(run.exitCode == 6)
      #expect(run.errors.contains("error: rank 1 (node \(node)) is late: in step 20, backward pass, without progress for "), "\(run.errors)")
      #expect(run.errors.contains("; ranks 0, 2 wait for the gradient sum of step 20"))
    }

    @Test("a rank that dies is named before mpirun ends the others")
    func dead() throws {
      let run = try stall("die", rank: 1)
      #expect(run.exitCode == 137)
      #expect(run.errors.contains("noticed that process rank 1"), "mpirun names it in any case")
    }

    @Test("a failed check says rank, node, step and phase before the process ends")
    func trap() throws {
      let run = try stall("trap", rank: 2)
      #expect(run.exitCode == 132 || run.exitCode == 133, "\(run.exitCode)")
      #expect(run.errors.contains("the scenario asks for it"))
      #expect(run.errors.contains("[rank 2 node \(node)] step 20, backward pass: crashed with SIG"), "\(run.errors)")
    }

    @Test("an error that one rank alone throws names rank, node and step")
    func uncaught() throws {
      let run = try stall("throw", rank: 1)
      #expect(run.exitCode == 5)
      #expect(run.errors.contains("[rank 1 node \(node) step 20] the scenario asks for it\n"), "\(run.errors)")
      #expect(!run.errors.contains("has died"))
    }

    @Test("a node whose cable is cut is named, and everything ends on both sides")
    func cut() throws {
      try VirtualCluster.with(nodes: 2) { cluster in
        let ready = FileManager.default.temporaryDirectory.appendingPathComponent("qat-stall-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: ready) }
        let hand = Thread {
          while !FileManager.default.fileExists(atPath: ready) { Thread.sleep(forTimeInterval: 0.05) }
          try? cluster.cut("q1")
        }
        hand.start()
        let run = try ParallelRun("stall", "none", "0", ready, ranks: 2, on: cluster, environment: Self.environment, timeout: 45)
        #expect(run.errors.contains("error: rank 1 (node q1) is late: last heard "), "\(run.errors)")
        // mpirun waits for a daemon that it cannot reach, until the watchdog's last act ends it.
        #expect(run.exitCode == 9 || run.exitCode == 137 || run.exitCode == 6, "\(run.exitCode)")
        let deadline = Date(timeIntervalSinceNow: 20)
        while try cluster.isBusy("parallel-worker"), Date() < deadline { Thread.sleep(forTimeInterval: 0.5) }
        #expect(try !cluster.isBusy("parallel-worker"))
      }
    }
  }
}
