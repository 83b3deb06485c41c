import Foundation
import Testing
import VirtualNodes

/// All tests that start mpirun, one after the other: they share the machine's cores. Further suites extend it.
@Suite("Parallel", .serialized)
enum ParallelTests {}

/// What came out of `parallel-worker` under mpirun.
struct ParallelRun {
  /// Of mpirun; of the worker when it ran alone.
  let exitCode: Int32
  /// Lines on stdout by the rank that said them.
  let lines: [Int: [String]]
  /// Everything on stderr.
  let errors: String

  /// Runs a scenario on `ranks` ranks; on nil, alone and without mpirun; with a cluster, on its nodes in turn.
  /// - Throws: when it cannot be started or has not ended within `timeout` seconds; then it is killed.
  init(
    _ scenario: String, _ arguments: String..., ranks: Int?, on cluster: VirtualCluster? = nil, ranksPerNode: Int = 1,
    environment: [String: String] = [:], timeout: Double = 90
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("parallel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (output, errors) = (folder.appendingPathComponent("stdout"), folder.appendingPathComponent("stderr"))
    for file in [output, errors] { try Data().write(to: file) }

    let process = Process()
    let launcher =
      (cluster?.launcher(ranksPerNode: ranksPerNode) ?? ["mpirun"]) + [
        "-n", "\(ranks ?? 1)", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "--mca",
        "btl_vader_single_copy_mechanism", "none",
      ]
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = (ranks == nil ? [] : launcher) + [try Self.worker().path, scenario] + arguments
    let settings = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"]
    process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }.merging(environment) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: timeout)
    while process.isRunning && Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
    let hung = process.isRunning
    if hung {
      process.terminate()
      Thread.sleep(forTimeInterval: 4)  // mpirun gives its ranks two seconds
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
    process.waitUntilExit()

    exitCode = process.terminationStatus
    self.errors = try String(decoding: Data(contentsOf: errors), as: UTF8.self)
    var lines: [Int: [String]] = [:]
    for line in try String(decoding: Data(contentsOf: output), as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix("["), let end = line.firstIndex(of: "]"), let rank = Int(line[line.index(after: line.startIndex)..<end]) else { continue }
      lines[rank, default: []].append(String(line[end...].dropFirst(2)))
    }
    self.lines = lines
    if hung {
      throw Failure(description: "\(scenario) on \(ranks ?? 1) ranks has not ended after \(timeout) s. stdout: \(lines) stderr: \(self.errors)")
    }
  }

  /// Lines of our own on stderr: not those of mpirun.
  var ownErrors: [String] {
    errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("error:") || $0.hasPrefix("[rank ") }
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// The built worker: beside the test bundle.
  static func worker() throws -> URL {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for bundle in [own].compactMap({ $0 }) + CommandLine.arguments {
      let candidate = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("parallel-worker")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
    }
    throw Failure(description: "parallel-worker is not beside the test bundle (\(CommandLine.arguments)): build it with swift build --build-tests")
  }
}
