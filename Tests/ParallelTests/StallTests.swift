import Foundation
import Testing
import VirtualNodes

extension ParallelTests {
  /// Ranks that do not go on, with a stall timeout of five seconds.
  @Suite("Stalls")
  struct Stalls {
    private let node = ProcessInfo.processInfo.hostName

    /// Runs the scenario; Swift's own crash reports take longer than the test.
    private func stall(_ kind: String, rank: Int, ranks: Int = 3) throws -> ParallelRun {
      try ParallelRun("stall", kind, "\(rank)", ranks: ranks, environment: Self.environment, timeout: 45)
    }

    /// Runs the scenario without a fault of its own, on a cluster of two nodes, and calls `hand` when the ranks are on their way.
    private func onTheWay(on cluster: VirtualCluster, ranksPerNode: Int = 1, _ hand: @escaping @Sendable () throws -> Void) throws -> ParallelRun {
      let ready = FileManager.default.temporaryDirectory.appendingPathComponent("qat-stall-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: ready) }
      Thread {
        while !FileManager.default.fileExists(atPath: ready) { Thread.sleep(forTimeInterval: 0.05) }
        try? hand()
      }.start()
      return try ParallelRun(
        "stall", "none", "0", ready, ranks: 2 * ranksPerNode, on: cluster, ranksPerNode: ranksPerNode, environment: Self.environment, timeout: 45)
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

    @Test("a rank that dies is named once, by one that lives, before mpirun ends the others", arguments: [0, 1, 2])
    func dead(rank: Int) throws {
      let run = try stall("die", rank: rank)
      #expect(run.exitCode == 137)
      #expect(run.ownErrors.count == 1 && run.errors.contains("error: rank \(rank) (node \(node)) has died in step "), "\(run.errors)")
    }

    @Test("a node that dies is named with all its ranks")
    func deadNode() throws {
      try VirtualCluster.with(nodes: 2) { cluster in
        let run = try onTheWay(on: cluster, ranksPerNode: 2) { try cluster.kill("q1") }
        #expect(run.exitCode != 0)
        #expect(
          run.errors.contains(#/error: rank 2 \(node q1\) has died in step [^.]+, rank 3 \(node q1\) has died in step [^.]+: all ranks of node q1/#),
          "\(run.errors)")
      }
    }

    @Test("a rank that does not start MPI ends the run with a sentence of one that has", arguments: [(1, 0), (0, 1)])
    func absent(rank: Int, speaker: Int) throws {
      let run = try ParallelRun("who", ranks: 3, environment: ["PARALLEL_WORKER_ABSENT_RANK": "\(rank)"], timeout: 60)
      #expect(run.exitCode == 6, "\(run.errors)")
      #expect(run.errors.contains("error: rank \(speaker) of 3 (node \(node)) has waited 5 s for all ranks to start. One of them was not started"))
      #expect(run.ownErrors.count == 1, "\(run.errors)")
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
        let run = try onTheWay(on: cluster) { try cluster.cut("q1") }
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
