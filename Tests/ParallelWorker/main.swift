import Foundation
import QATCommunication

// parallel-worker SCENARIO [ARGUMENT]...: what ParallelTests start under mpirun. Behaves like the product's command where errors and exit codes matter.

let words = Array(CommandLine.arguments.dropFirst())
guard let name = words.first, let scenario = scenarios[name] else {
  writeToStandardError("scenarios: \(scenarios.keys.sorted().joined(separator: ", "))\n")
  exit(64)
}

do {
  let exitCode = { (error: any Error) in (error as? ScenarioError)?.exitCode ?? 1 }
  let report = { @Sendable (error: CommunicationError) in writeToStandardError("error: \(error)\n") }
  let body = { (communicator: any Communicator) in try scenario(communicator, Array(words.dropFirst())) }
  let warn = { @Sendable (text: String) in writeToStandardError("warning: \(text)\n") }
  let environment = ProcessInfo.processInfo.environment
  var limits = StallLimits(timeout: environment["PARALLEL_WORKER_STALL_TIMEOUT"].flatMap { Double($0) } ?? 600)
  // A rank that is started, but does not start MPI.
  if let absent = environment["PARALLEL_WORKER_ABSENT_RANK"] {
    limits.startTimeout = 5
    if environment["OMPI_COMM_WORLD_RANK"] == absent { while true { sleep(1) } }
  }
  // Short messages make the collectives cut, as only messages of more than 2^31 elements would otherwise.
  if let longest = environment["PARALLEL_WORKER_LONGEST_MESSAGE"].flatMap({ Int($0) }) {
    try run(on: MPICommunicator(longestMessage: longest), exitCode: exitCode, report: report, warn: warn, limits: limits, body)
  } else {
    try withCommunicator(exitCode: exitCode, report: report, warn: warn, limits: limits, body)
  }
} catch let error as CommunicationError where error.isShared {
  exit(error.exitCode)  // said already
} catch {
  writeToStandardError("error: \(error)\n")
  exit((error as? CommunicationError)?.exitCode ?? (error as? ScenarioError)?.exitCode ?? 1)
}
