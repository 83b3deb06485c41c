import Foundation
import QAT

/// What `qat doctor` knows of one rank and of the node it runs on.
struct RankFacts: Codable, Equatable {
  var rank: Int
  var node: String
  /// The computer under the node: containers and virtual nodes may share one.
  var machine: String
  /// Processors that the rank may run on, and the cores they belong to.
  var processors: [Int]
  var coreCount: Int
  /// How many processors and cores the node gives to the run: those of mpirun's mask, or orted's, which do not bind themselves.
  var nodeProcessorCount: Int
  var nodeCoreCount: Int
  /// Processors' worth of time that a container grants; nil without a limit.
  var processorQuota: Double?
  /// Threads that the rank computes with.
  var threads: Int
  var processorModel: String?
  /// Bytes.
  var memory: Int?
  var availableMemory: Int?
  /// Instruction set and oneDNN; the MPI library; this program.
  var engine: String
  var mpi: String
  var version: String
  var interfaces: [String]
  /// The networks that the user has told Open MPI to use; nil when it may try all.
  var chosenInterfaces: String?
}

extension RankFacts {
  /// Looks at this process.
  init(_ communicator: any Communicator, environment: [String: String] = ProcessInfo.processInfo.environment) {
    rank = communicator.rank
    node = communicator.node
    machine = Machine.identity ?? node
    let online = Machine.onlineProcessors
    let granted = communicator.size == 1 ? Machine.allowedProcessors() : launcherProcess().map { Machine.allowedProcessors(of: $0) } ?? online
    nodeProcessorCount = granted.isEmpty ? ProcessInfo.processInfo.processorCount : granted.count
    nodeCoreCount = granted.isEmpty ? nodeProcessorCount : Machine.coreCount(of: granted)
    processors = Machine.allowedProcessors()
    if processors.isEmpty { processors = Array(0..<nodeProcessorCount) }
    coreCount = online.isEmpty ? processors.count : Machine.coreCount(of: processors)
    processorQuota = Machine.processorQuota
    threads = EngineEnvironment.threadCount
    processorModel = Machine.processorModel
    (memory, availableMemory) = (Machine.memory?.total, Machine.memory?.available)
    engine = EngineEnvironment.description
    mpi = MPILibrary.version
    version = QATCommand.version
    interfaces = networkInterfaces()
    chosenInterfaces = environment["OMPI_MCA_btl_tcp_if_include"]
  }
}
