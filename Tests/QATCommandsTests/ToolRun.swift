import Foundation
import QAT
import Testing
import VirtualNodes

/// All tests that start the built program, one after the other: they share the machine's cores. Further suites extend it.
@Suite("Tool", .serialized)
enum ToolTests {}

/// What came out of one run of the built `qat`.
struct ToolRun {
  let exitCode: Int32
  let output: String
  let errors: String
  /// Seconds from the moment when `whileRunning` had done what it waited for to the end of the process; infinite when it never did.
  let secondsToEnd: Double

  /// Runs `qat` with the words of `line` in `folder`, on `ranks` ranks under mpirun or alone. `whileRunning` is called again and again until it says false.
  /// The words of `through` come before the program: variables of its environment (`NAME=value`), and programs that start it. With a cluster, ranks are on its
  /// nodes in turn.
  init(
    _ line: String, in folder: Scratch, through: [String] = [], ranks: Int? = nil, on cluster: VirtualCluster? = nil, ranksPerNode: Int = 1,
    timeout: Double = 240, whileRunning: ((Process) -> Bool)? = nil
  ) throws {
    let words = through + [try Self.tool().path] + line.split(separator: " ").map(String.init)
    let launcher = (cluster?.launcher(ranksPerNode: ranksPerNode) ?? ["mpirun"]) + Self.launcherOptions
    try self.init(words: (ranks.map { launcher + ["-n", "\($0)"] } ?? []) + words, in: folder, timeout: timeout, whileRunning: whileRunning)
  }

  /// Runs `qat` with the words of `line` on one rank in each of `folders`.
  init(mpmd line: String, folders: [URL], in folder: Scratch) throws {
    try self.init(programs: folders.map { ["--wdir", $0.path, try Self.tool().path] + line.split(separator: " ").map(String.init) }, in: folder)
  }

  /// Runs `qat` on one rank with the environment and the line of each of `parts`.
  init(parts: [(variables: [String], line: String)], in folder: Scratch) throws {
    try self.init(
      programs: parts.map { ["env"] + $0.variables + [try Self.tool().path] + $0.line.split(separator: " ").map(String.init) }, in: folder)
  }

  private init(programs: [[String]], in folder: Scratch) throws {
    let words = programs.map { ["-n", "1"] + $0 }.joined(separator: [":"])
    try self.init(words: ["mpirun"] + Self.launcherOptions + Array(words), in: folder, timeout: 60, whileRunning: nil)
  }

  /// Runs `qat` with the words of `line` by scripts/qat-mpirun with `options`.
  init(wrapped options: String, _ line: String, in folder: Scratch, timeout: Double = 240, whileRunning: ((Process) -> Bool)? = nil) throws {
    let words = [Self.script("qat-mpirun")] + options.split(separator: " ").map(String.init) + [try Self.tool().path]
    try self.init(words: words + line.split(separator: " ").map(String.init), in: folder, timeout: timeout, whileRunning: whileRunning)
  }

  /// A script of this package.
  static func script(_ name: String) -> String {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return package.appendingPathComponent("scripts/\(name)").path
  }

  static let launcherOptions = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]

  /// Runs a program, after variables of its environment (`NAME=value`), in `folder`.
  init(words: [String], in folder: Scratch, timeout: Double = 240, whileRunning: ((Process) -> Bool)? = nil) throws {
    let (output, errors) = (folder.url("stdout-\(UUID().uuidString)"), folder.url("stderr-\(UUID().uuidString)"))
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.currentDirectoryURL = folder.root
    let settings = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"]
    process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.runWithSignals()
    let deadline = Date(timeIntervalSinceNow: timeout)
    var watches = whileRunning != nil
    var done = Date.distantFuture
    while process.isRunning && Date() < deadline {
      if watches, let whileRunning, !whileRunning(process) { (watches, done) = (false, Date()) }
      Thread.sleep(forTimeInterval: 0.02)
    }
    let hung = process.isRunning
    if hung { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    secondsToEnd = done == .distantFuture ? .infinity : Date().timeIntervalSince(done)
    exitCode = process.terminationStatus
    self.output = try String(contentsOf: output, encoding: .utf8)
    self.errors = try String(contentsOf: errors, encoding: .utf8)
    if hung {
      throw Failure(description: "'\(words.joined(separator: " "))' has not ended after \(timeout) s. stdout: \(self.output) stderr: \(self.errors)")
    }
  }

  /// The object that `--json` has printed.
  func json() throws -> JSONNode { try JSONDocument.parse(output, file: "stdout").root }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// The processes of qat below `process`, the first rank first.
  static func ranks(of process: Process) -> [Int32] {
    func children(_ pid: Int32) -> [Int32] {
      let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { Int32($0) }
    }
    var found: [Int32] = []
    var open = [process.processIdentifier]
    while let pid = open.popLast() {
      if (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) == "qat\n" { found.append(pid) }
      open += children(pid)
    }
    return found.sorted()
  }

  /// The built program: beside the test bundle.
  static func tool() throws -> URL {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for bundle in [own].compactMap({ $0 }) + CommandLine.arguments {
      let candidate = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("qat")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
    }
    throw Failure(description: "qat is not beside the test bundle (\(CommandLine.arguments)): build it with swift build --build-tests")
  }
}

extension Process {
  /// Runs, with all signals let through: the threads that run tests block them, and a program inherits that from the thread that starts it.
  fileprivate func runWithSignals() throws {
    var (none, own) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &own)
    defer { pthread_sigmask(SIG_SETMASK, &own, nil) }
    try run()
  }
}

/// A folder of one test, removed with it.
final class Scratch {
  let root: URL

  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("qat-commands-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    try write("fp32.json", Self.configuration)
    try write("int8.json", Self.configuration.replacingOccurrences(of: "\"seed\": 1,", with: "\"seed\": 1, \(Self.compression),"))
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  func url(_ name: String) -> URL { root.appendingPathComponent(name) }
  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url(name).path) }
  func bytes(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
  func write(_ name: String, _ text: String) throws { try text.write(to: url(name), atomically: true, encoding: .utf8) }

  /// Writes a program in the shell's language.
  func writeProgram(_ name: String, _ text: String) throws {
    try write(name, "#!/bin/sh\n\(text)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url(name).path)
  }

  /// 256 samples to learn from make eight steps of 32 samples.
  static let data = "synthetic:1,28,28,10,256"

  private static let configuration = """
    {
      "model": "resnet_small", "batch_size": 32, "epochs": 1, "seed": 1,
      "optimizer": { "type": "SGD", "base_lr": 0.05, "schedule_type": "cosine" },
      "data": { "normalize": { "mean": [0.5], "std": [0.25] }, "augment": { "flip": true } },
      "input_info": { "sample_size": [1, 1, 28, 28] }
    }
    """

  private static let compression = """
    "compression": { "algorithm": "quantization", "initializer": { "range": { "num_init_samples": 32 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 64 } } }
    """
}
