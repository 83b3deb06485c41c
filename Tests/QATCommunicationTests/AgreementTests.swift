import Testing

@testable import QATCommunication

/// A rank that hears what a test says the others say. The others' bytes are given; its own are put in place.
private final class Rehearsed: Communicator {
  let rank: Int
  let size: Int
  private let others: [[UInt8]]

  init(rank: Int, others: [[UInt8]]) {
    (self.rank, size, self.others) = (rank, others.count, others)
  }

  func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) {}
  func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) {}
  func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) {}
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  func allgather(_ bytes: [UInt8]) -> [[UInt8]] { others.enumerated().map { $0 == rank ? bytes : $1 } }
  func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {}
  func barrier() {}
  func preparedSum(of values: UnsafeMutableBufferPointer<Float>) -> any PreparedCollective { SingleProcess().preparedSum(of: values) }
  func preparedExchange(
    of source: UnsafeRawBufferPointer, parts: [Range<Int>], into destination: UnsafeMutableRawBufferPointer, places: [Range<Int>]
  ) -> any PreparedCollective { SingleProcess().preparedExchange(of: source, parts: parts, into: destination, places: places) }
  func preparedGather(in bytes: UnsafeMutableRawBufferPointer, parts: [Range<Int>]) -> any PreparedCollective {
    SingleProcess().preparedGather(in: bytes, parts: parts)
  }
  func abort(exitCode: Int32) -> Never { SingleProcess().abort(exitCode: exitCode) }
}

@Suite("Agreement between ranks")
struct AgreementTests {
  struct Fault: Error, CustomStringConvertible { let description: String }

  private static func report(_ code: Int32, _ node: String, _ message: String) -> [UInt8] { Array("\(code)\0\(node)\0\(message)".utf8) }

  @Test("the first failing rank is named, the others are listed")
  func severalFail() throws {
    let others = [[], Self.report(7, "n1", "no disk"), [], Self.report(4, "n2", "no file")]
    for rank in [0, 2] {
      let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: rank, others: others).agree(nil) }
      #expect(error.message == "rank 1 (node n1): no disk (ranks that failed too: 3)")
      #expect(error.exitCode == 7 && error.code == .rankFailed && error.isShared)
    }
  }

  @Test("one rank that fails alone is named by the others; nobody failing is no error")
  func oneFails() throws {
    let others = [[], [], Self.report(3, "n7", "bad\0bytes")]
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 0, others: others).agree(nil) }
    #expect(error.message == "rank 2 (node n7): bad\0bytes")
    try Rehearsed(rank: 0, others: [[], []]).agree(nil)
  }

  @Test("what fails everywhere with the same words is nobody's fault in particular")
  func allFail() throws {
    let others = [Self.report(3, "n0", "bad key"), Self.report(3, "n1", "bad key")]
    let error = try #require(throws: CommunicationError.self) {
      try Rehearsed(rank: 1, others: others).agree(Fault(description: "bad key"), exitCode: 3)
    }
    #expect(error.message == "bad key" && error.exitCode == 3)
  }

  @Test("work that succeeds here does not go on when it failed elsewhere, and the body runs once")
  func together() throws {
    var runs = 0
    let communicator = Rehearsed(rank: 0, others: [[], Self.report(6, "n1", "gone")])
    let error = try #require(throws: CommunicationError.self) { try communicator.together { runs += 1 } }
    #expect(runs == 1 && error.exitCode == 6)
    let failing = Rehearsed(rank: 0, others: [[], []])
    let own = try #require(throws: CommunicationError.self) { try failing.together(exitCode: { _ in 8 }) { throw Fault(description: "here") } }
    #expect(own.exitCode == 8 && own.message == "rank 0 (node \(failing.node)): here")
  }

  @Test(
    "of differing hashes the rarer is odd; of equally many the lower rank is right",
    arguments: [([1, 1, 2], 2, 0), ([2, 1, 1], 0, 1), ([1, 2], 1, 0)])
  func mismatch(hashes: [UInt8], odd: Int, usual: Int) throws {
    let others = hashes.map { [0xc0, 0, 0, 0, 0, 0, 0, $0] + Array("node".utf8) }
    let own = UInt64(hashes[1]) << 56 | 0xc0
    var expected = "the data differs between ranks: "
    let names = hashes.indices.map { $0 == 1 ? Rehearsed(rank: 1, others: others).node : "node" }
    expected += [odd, usual].map { "rank \($0) (node \(names[$0])) has \(hashes[$0])000000000000c0" }.joined(separator: ", ")
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 1, others: others).verifyEqual(own, what: "the data") }
    #expect(error.message.hasPrefix(expected), "\(error)")
    #expect(error.code == .mismatch && error.exitCode == 3 && error.isShared)
  }
}

@Suite("How a process was started")
struct LaunchTests {
  @Test(
    "launchers are recognised by what they leave in the environment",
    arguments: [
      ([:], nil, nil), (["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1"], "Open MPI's mpirun", 4),
      (["PMIX_RANK": "0"], "a PMIx launcher", nil), (["PMI_RANK": "0", "PMI_SIZE": "8"], "a PMI launcher", 8),
      (["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "3"], "srun", 3), (["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"], nil, nil),
      (["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "PMIX_RANK": "0"], "srun", 1), (["SLURM_PROCID": "0", "SLURM_JOB_ID": "7"], nil, nil),
    ] as [([String: String], String?, Int?)])
  func recognised(environment: [String: String], launcher: String?, size: Int?) {
    let launch = Launch(environment: environment)
    #expect(launch.launcher == launcher && launch.size == size)
  }

  @Test("a launcher and a library that count differently do not go together")
  func mismatch() throws {
    let launch = Launch(environment: ["OMPI_COMM_WORLD_SIZE": "4"])
    #expect(launch.mismatch(found: 4) == nil)
    #expect(try #require(launch.mismatch(found: 1)).description.contains("Open MPI's mpirun has started 4 processes, but each sees 1"))
    #expect(Launch(environment: ["PMIX_RANK": "0"]).mismatch(found: 2) == nil)
    #expect(Launch(environment: [:]).mismatch(found: 1) == nil)
  }

  @Test("work outside of withCommunicator is one process alone, unless a launcher has started several")
  func current() throws {
    #expect(try currentCommunicator() is SingleProcess)
    #expect(try withCommunicator { try currentCommunicator() === $0 })
    #expect(throws: Never.self) { try aloneCommunicator(Launch(environment: ["OMPI_COMM_WORLD_SIZE": "1"])) }
    let error = try #require(throws: CommunicationError.self) { try aloneCommunicator(Launch(environment: ["OMPI_COMM_WORLD_SIZE": "4"])) }
    #expect(error.exitCode == 2)
    #expect(error.message.contains("as one of 4, but the work runs outside of withCommunicator"))
  }

  @Test("there is at least one thread to compute with")
  func threads() { #expect(defaultThreadCount() >= 1) }
}
