import Foundation
import QATCommunication

// parallel-worker SCENARIO [ARGUMENT]...: what ParallelTests start under mpirun. Behaves like the product's command where errors and exit codes matter.

let words = Array(CommandLine.arguments.dropFirst())
guard let name = words.first, let scenario = scenarios[name] else {
  FileHandle.standardError.write(Data("scenarios: \(scenarios.keys.sorted().joined(separator: ", "))\n".utf8))
  exit(64)
}

do {
  let exitCode = { (error: any Error) in (error as? ScenarioError)?.exitCode ?? 1 }
  let body = { (communicator: any Communicator) in try scenario(communicator, Array(words.dropFirst())) }
  // Short messages make the collectives cut, as only messages of more than 2^31 elements would otherwise.
  if let longest = ProcessInfo.processInfo.environment["PARALLEL_WORKER_LONGEST_MESSAGE"].flatMap({ Int($0) }) {
    try run(on: MPICommunicator(longestMessage: longest), exitCode: exitCode, body)
  } else {
    try withCommunicator(exitCode: exitCode, body)
  }
} catch let error as CommunicationError {
  if error.isReportedHere { FileHandle.standardError.write(Data("error: \(error)\n".utf8)) }
  exit(error.exitCode)
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit((error as? ScenarioError)?.exitCode ?? 1)
}
