import Foundation
import Testing

@testable import QATCommunication

/// A rank that hears what a test says the others say; what it says itself is put in its place.
private final class Rehearsed: Communicator {
  let rank: Int
  let size: Int
  private let statements: [Statement]

  init(rank: Int, _ statements: [Statement]) { (self.rank, size, self.statements) = (rank, statements.count, statements) }

  func allreduce(_ values: UnsafeMutableBufferPointer<Float>, _ reduction: Reduction) {}
  func allreduce(_ values: UnsafeMutableBufferPointer<Double>, _ reduction: Reduction) {}
  func allreduce(_ values: UnsafeMutableBufferPointer<Int64>, _ reduction: Reduction) {}
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  func allgather(_ values: UnsafeBufferPointer<Double>, into all: UnsafeMutableBufferPointer<Double>) {}
  func allgather(record: [UInt8]) -> [[UInt8]] { statements.enumerated().map { $0 == rank ? record : $1.record } }
  func allgather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    try statements.enumerated().map { $0 == rank ? bytes : [UInt8](try JSONEncoder().encode($1)) }
  }
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

  private static let well = Statement(node: "n0")
  private static func failed(_ code: Int32, _ node: String, _ message: String) -> Statement {
    Statement(node: node, failure: .init(exitCode: code, message: message))
  }
  private static func holding(_ node: String, _ values: SharedValue...) -> Statement { Statement(node: node, values: values) }

  @Test("the first failing rank is named, the others are listed", arguments: [0, 2])
  func severalFail(rank: Int) throws {
    let others = [Self.well, Self.failed(7, "n1", "no disk"), Self.well, Self.failed(4, "n2", "no file")]
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: rank, others).agree(nil) }
    #expect(error.message == "rank 1 (node n1): no disk (ranks that failed too: 3)")
    #expect(error.exitCode == 7 && error.code == .rankFailed && error.isShared)
  }

  @Test("one rank that fails alone is named by the others; nobody failing is no error")
  func oneFails() throws {
    let others = [Self.well, Self.well, Self.failed(3, "n7", "bad\0bytes")]
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 0, others).agree(nil) }
    #expect(error.message == "rank 2 (node n7): bad\0bytes")
    try Rehearsed(rank: 0, [Self.well, Self.well]).agree(nil)
  }

  @Test("what fails everywhere with the same words is nobody's fault in particular")
  func allFail() throws {
    let others = [Self.failed(3, "n0", "bad key"), Self.failed(3, "n1", "bad key")]
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 1, others).agree(Fault(description: "bad key"), exitCode: 3) }
    #expect(error.message == "bad key" && error.exitCode == 3)
  }

  @Test("work that succeeds here does not go on when it failed elsewhere, and the body runs once")
  func together() throws {
    var runs = 0
    let communicator = Rehearsed(rank: 0, [Self.well, Self.failed(6, "n1", "gone")])
    let error = try #require(throws: CommunicationError.self) { try communicator.together { runs += 1 } }
    #expect(runs == 1 && error.exitCode == 6)
    let failing = Rehearsed(rank: 0, [Self.well, Self.well])
    let own = try #require(throws: CommunicationError.self) { try failing.together(exitCode: { _ in 8 }) { throw Fault(description: "here") } }
    #expect(own.exitCode == 8 && own.message == "rank 0 (node \(failing.node)): here")
  }

  @Test(
    "of differing values the rarer is odd; of equally many the lower rank is right",
    arguments: [([1, 1, 2], 2, 0), ([2, 1, 1], 0, 1), ([1, 2], 1, 0)])
  func mismatch(hashes: [UInt64], odd: Int, usual: Int) throws {
    let communicator = Rehearsed(rank: 1, hashes.map { Self.holding("node", SharedValue("the data", "\($0)")) })
    let names = hashes.indices.map { $0 == 1 ? communicator.node : "node" }
    let both = [odd, usual].map { "rank \($0) (node \(names[$0])) has \(hashes[$0])" }.joined(separator: ", ")
    let error = try #require(throws: CommunicationError.self) { try communicator.verifyEqual(hashes[1], what: "the data") }
    #expect(error.message.hasPrefix("the data differs between ranks: \(both)"), "\(error)")
    #expect(error.code == .mismatch && error.exitCode == 3 && error.isShared)
  }

  @Test("a value with parts is named by the parts that differ; several ranks that differ are listed")
  func parts() throws {
    func configuration(_ seed: String, rate: String = "0.1") -> SharedValue {
      SharedValue("the configuration", seed + rate, parts: ["seed": seed, "optimizer.base_lr": rate, "epochs": "3"])
    }
    let ranks = ["1", "1", "7", "7", "1"].map { Self.holding("n", configuration($0)) }
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 0, ranks).verifyEqual([configuration("1")]) }
    #expect(error.message.hasPrefix("the configuration's 'seed' differs between ranks: rank 2 (node n) has 7, rank 0 "))
    #expect(error.message.contains(" has 1 (ranks that differ too: 3). Give every node the same files and the same command"))
    #expect(!error.message.contains("base_lr") && !error.message.contains("epochs"))
  }

  @Test("ranks that run different programs are told so, and nothing else")
  func otherProgram() throws {
    let commands = ["qat train", "qat evaluate"].map { SharedValue("the command", $0, weight: .decisive) }
    let ranks = [Self.holding("a", commands[0], SharedValue("the model", "m")), Self.holding("b", commands[1], SharedValue("the model", "other"))]
    let error = try #require(throws: CommunicationError.self) { try Rehearsed(rank: 1, ranks).verifyEqual(ranks[1].values) }
    #expect(error.message.contains("the command differs between ranks: rank 1 "))
    #expect(error.message.contains("has qat evaluate, rank 0 (node a) has qat train") && !error.message.contains("the model"))
  }

  @Test("a difference in what is only advised is a warning on every rank", arguments: [0, 1])
  func advised(rank: Int) throws {
    let ranks = ["2", "4"].map { Self.holding("n", SharedValue("the threads", $0, weight: .advised, remedy: "Give both as many")) }
    let warnings = try Rehearsed(rank: rank, ranks).verifyEqual(ranks[rank].values)
    try #require(warnings.count == 1)
    #expect(warnings[0].hasPrefix("the threads differs between ranks: rank 1 ") && warnings[0].hasSuffix(". Give both as many"))
  }

  @Test("when a run begins, a rank that alone cannot open its files is a difference between ranks; when none can, it is the files' fault")
  func beginning() throws {
    func begin(_ statements: [Statement]) throws {
      let rank = Rehearsed(rank: 0, statements)
      _ = try rank.begin(exitCode: { _ in 65 }, values: { [SharedValue("the model", $0)] }) { throw Fault(description: "no file") }
    }
    let alone = try #require(throws: CommunicationError.self) { try begin([Self.well, Self.well]) }
    #expect(alone.exitCode == 3 && alone.message.hasPrefix("rank 0 (node ") && alone.message.hasSuffix(": no file"))
    let all = try #require(throws: CommunicationError.self) { try begin([Self.well, Self.failed(65, "n1", "no file")]) }
    #expect(all.exitCode == 65 && all.message == "no file")
    let model = SharedValue("the model", "m")
    #expect(try Rehearsed(rank: 0, [Self.holding("n", model), Self.holding("n", model)]).begin(values: { _ in [model] }) { 5 }.result == 5)
  }

  @Test("the record that ranks exchange has one size, whatever there is to say")
  func record() {
    let long = String(repeating: "long ", count: 10_000)
    for statement in [Self.well, Self.failed(1, "n", long), Self.holding("n", SharedValue("the configuration", long, parts: [long: long]))] {
      #expect(statement.record.count == 32)
    }
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

  @Test(
    "a bound rank computes on all its processors, ranks that are not bound share those that the node gives to the run",
    arguments: [(2, 8, 4, 2), (8, 8, 2, 4), (1, 2, 1, 1), (1, 1, 1, 1), (4, 4, 3, 1), (2, 2, 5, 1)])
  func threads(own: Int, granted: Int, ranksHere: Int, threads: Int) {
    #expect(defaultThreadCount(own: own, granted: granted, ranksHere: ranksHere) == threads)
    #expect(defaultThreadCount() >= 1)
  }
}
