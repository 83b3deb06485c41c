import Foundation

extension Communicator {
  /// The name of this process's computer, for messages.
  public var node: String { ProcessInfo.processInfo.hostName }

  /// Tells all ranks whether this one has failed. All call it at the same place: when no rank has failed all go on, otherwise all throw the same error.
  ///
  /// One process alone throws its error as it is.
  /// - Parameters:
  ///   - error: this rank's error, nil when all is well.
  ///   - exitCode: what the run ends with when this rank is the first that failed.
  /// - Throws: `CommunicationError` naming the failing rank and its node; without the names when all ranks failed with the same words.
  public func agree(_ error: (any Error)?, exitCode: Int32 = 1) throws {
    if size == 1 {
      if let error { throw error }
      return
    }
    let report = error.map { Report(exitCode: exitCode, node: node, message: String(describing: $0)) }
    let failed = try allgather(report?.encoded ?? []).enumerated().compactMap { rank, bytes in Report(bytes).map { (rank, $0) } }
    guard let (first, worst) = failed.first else { return }
    let message: String
    if failed.count == size, Set(failed.map(\.1.message)).count == 1 {
      message = worst.message
    } else if failed.count == 1 {
      message = "rank \(first) (node \(worst.node)): \(worst.message)"
    } else {
      let others = failed.dropFirst().map { "\($0.0)" }.joined(separator: ", ")
      message = "rank \(first) (node \(worst.node)): \(worst.message) (ranks that failed too: \(others))"
    }
    throw CommunicationError(.rankFailed, message, exitCode: worst.exitCode, isShared: true)
  }

  /// Runs `body` on every rank and goes on only when it succeeded on all.
  ///
  /// For everything that may fail on some ranks only, such as reading a file. The body calls no collectives.
  /// - Parameters:
  ///   - exitCode: what the run ends with when the body throws this error; what `withCommunicator` was told when nil.
  ///   - body: the work.
  /// - Returns: this rank's result.
  /// - Throws: what `agree` throws.
  public func together<Result>(exitCode: ((any Error) -> Int32)? = nil, _ body: () throws -> Result) throws -> Result {
    do {
      let result = try body()
      try agree(nil)
      return result
    } catch let error as CommunicationError where error.isShared {
      throw error
    } catch {
      let code = exitCode ?? (self as? MPICommunicator)?.exitCode
      try agree(error, exitCode: code?(error) ?? 1)
      throw error
    }
  }

  /// Checks that all ranks hold the same thing.
  /// - Parameters:
  ///   - hash: of the thing.
  ///   - what: its name, as in "the configuration".
  /// - Throws: `CommunicationError`, the same on every rank, naming the first rank that differs from most, and both values. Exit code 3.
  public func verifyEqual(_ hash: UInt64, what: String) throws {
    let own = withUnsafeBytes(of: hash.littleEndian) { Array($0) } + Array(node.utf8)
    let all = try allgather(own).map { bytes in
      (hash: bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, node: String(decoding: bytes.dropFirst(8), as: UTF8.self))
    }
    let counts = Dictionary(all.map { ($0.hash, 1) }, uniquingKeysWith: +)
    guard counts.count > 1 else { return }
    // What most ranks hold is taken for right; of equally many, what the lower rank holds.
    let usual = all.indices.max { (counts[all[$0].hash] ?? 0, $1) < (counts[all[$1].hash] ?? 0, $0) } ?? 0
    let odd = all.indices.first { all[$0].hash != all[usual].hash } ?? 0
    func value(_ rank: Int) -> String { "rank \(rank) (node \(all[rank].node)) has \(String(all[rank].hash, radix: 16))" }
    throw CommunicationError(
      .mismatch, "\(what) differs between ranks: \(value(odd)), \(value(usual)). Give every node the same files and the same command",
      exitCode: 3, isShared: true)
  }
}

/// What a failing rank tells the others.
private struct Report {
  let exitCode: Int32
  let node: String
  let message: String

  init(exitCode: Int32, node: String, message: String) {
    self.exitCode = exitCode
    self.node = node
    self.message = message
  }

  /// Exit code, node and message, separated by zero bytes. Never empty: no bytes mean that all is well.
  var encoded: [UInt8] { Array("\(exitCode)\0\(node)\0\(message)".utf8) }

  init?(_ bytes: [UInt8]) {
    if bytes.isEmpty { return nil }
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    exitCode = parts.first.flatMap { Int32($0) } ?? 1
    node = parts.count > 1 ? parts[1] : ""
    message = parts.count > 2 ? parts[2] : ""
  }
}
