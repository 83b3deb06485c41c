import Foundation

/// Nodes on this machine, each with a network of its own: what `scripts/virtual-cluster` makes. They end with this process at the latest.
public struct VirtualCluster: Sendable {
  private let name = "tests-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))"

  /// Runs `body` with a cluster, and takes the cluster down afterwards.
  ///
  /// Fails the test where namespaces are not permitted; with QAT_ALLOW_NO_NAMESPACES=1 in the environment it only says so, and `body` does not run.
  /// - Parameters:
  ///   - nodes: how many; they are called q0, q1 and so on.
  ///   - processors: how many each has to itself, taken in turn from those of this machine; all of them when nil.
  ///   - rate: what a node sends at most, in tc's words; unlimited when nil.
  ///   - body: what happens on the cluster.
  /// - Throws: why there are no nodes, and what `body` throws.
  public static func with(nodes: Int, processors: Int? = nil, rate: String? = nil, _ body: (VirtualCluster) throws -> Void) throws {
    let cluster = VirtualCluster()
    let options =
      ["--owner", "\(ProcessInfo.processInfo.processIdentifier)"] + (rate.map { ["--rate", $0] } ?? [])
      + (processors.map { ["--cpus", "\($0)"] } ?? [])
    let made = try cluster.control(["up", "\(nodes)"] + options)
    if made.exitCode == 69 {
      let reason = "no virtual nodes: \(made.text)"
      if ProcessInfo.processInfo.environment["QAT_ALLOW_NO_NAMESPACES"] == "1" { return print("not tested: \(reason)") }
      throw Failure(description: "\(reason). QAT_ALLOW_NO_NAMESPACES=1 leaves such tests out")
    }
    guard made.exitCode == 0 else { throw Failure(description: "no virtual nodes: \(made.text)") }
    defer { _ = try? cluster.control(["down"]) }
    try body(cluster)
  }

  /// The words that start a command under mpirun on the cluster.
  public func launcher(ranksPerNode: Int) -> [String] { words + ["run", "--ranks-per-node", "\(ranksPerNode)"] }

  /// The words that start a command on one node.
  public func command(on node: String) -> [String] { words + ["exec", node] }

  /// A hostfile of this cluster.
  public func hostfile(ranksPerNode: Int) throws -> String { try control(["hostfile", "\(ranksPerNode)"]).text }

  /// Pulls a node's cable.
  public func cut(_ node: String) throws { try require(["cut", node]) }

  /// Plugs a node's cable in again.
  public func restore(_ node: String) throws { try require(["restore", node]) }

  /// Kills everything that runs on a node, at once.
  public func kill(_ node: String) throws { try require(["kill", node]) }

  /// Bytes that each node has sent over its link so far.
  public func bytesSent() throws -> [Int] {
    try control(["status"]).text.split(separator: "\n").dropFirst().map { line in
      let cells = line.split(separator: " ")
      guard cells.count == 6, let bytes = Int(cells[4]) else { throw Failure(description: "a line of the cluster's status: \(line)") }
      return bytes
    }
  }

  /// Why a cluster does not do what it was asked.
  public struct Failure: Error, CustomStringConvertible {
    /// What was asked, and what came of it.
    public let description: String
  }

  private var words: [String] {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return [package.appendingPathComponent("scripts/virtual-cluster").path, "--name", name]
  }

  private func require(_ arguments: [String]) throws {
    let result = try control(arguments)
    guard result.exitCode == 0 else { throw Failure(description: "virtual-cluster \(arguments): \(result.text)") }
  }

  /// What the script says, on both streams.
  private func control(_ arguments: [String]) throws -> (exitCode: Int32, text: String) {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("cluster-\(UUID().uuidString)")
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let output = try FileHandle(forWritingTo: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    process.waitUntilExit()
    let text = try String(decoding: Data(contentsOf: file), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return (process.terminationStatus, text)
  }
}

extension VirtualCluster {
  /// Whether a process of that name runs on this machine in a network of its own, as those of virtual nodes do.
  public func isBusy(_ program: String) throws -> Bool {
    let manager = FileManager.default
    let own = try manager.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    return try manager.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.contains { process in
      guard let network = try? manager.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net"), network != own,
        let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
      else { return false }
      return program.hasPrefix(name.trimmingCharacters(in: .newlines))
    }
  }
}
