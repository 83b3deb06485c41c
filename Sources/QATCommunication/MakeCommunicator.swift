import CWatching
import Foundation

/// Joins the ranks of the run: over MPI when mpirun or srun started this process, otherwise one process alone, for which no MPI function is called.
///
/// What it makes must be ended: use `withCommunicator`, or `finalize()` on an `MPICommunicator`.
/// - Throws: `CommunicationError` when MPI does not start or the launcher and the library do not go together.
public func makeCommunicator() throws -> any Communicator {
  Launch().launcher == nil ? SingleProcess() : try MPICommunicator()
}

/// Runs `body` with the ranks of the run and ends MPI afterwards, so that no rank hangs and no error is lost. Within it they are the `currentCommunicator()`.
///
/// - When the body returns, MPI ends in an orderly way on all ranks.
/// - When all ranks throw the same error (`CommunicationError.isShared`), rank 0 says it, then MPI ends in an orderly way on all ranks and the error comes out on
///   each: nothing is left to say, only to end with its exit code. (Rank 0 speaks before: the first process that ends with an error makes mpirun kill the others.)
/// - When the body throws any other error, the other ranks may wait for this one for ever: its message goes to stderr with rank and node, and all ranks end with
///   `exitCode(error)`. Work that may fail on some ranks only belongs into `together`, whose error all ranks share.
/// - Where there is one rank only, every error comes out as it is.
/// - Parameters:
///   - exitCode: what the run ends with when one rank alone throws this error, or when `together` makes all ranks share it.
///   - report: tells the user of a shared error; called on rank 0. Also of ranks that are lost, on a rank that is not, from the watchdog's thread.
///   - warn: tells the user of ranks that are late, likewise.
///   - limits: after how long without a sign of life or of progress the run is ended with exit code 6; nil for never. Rank 0's hold for all.
///   - body: the work. It and everything it calls use the communicator from this thread alone.
/// - Returns: what the body returns.
/// - Throws: what the body throws, and what `makeCommunicator` throws.
public func withCommunicator<Result>(
  exitCode: @escaping (any Error) -> Int32 = { _ in 1 },
  report: @escaping @Sendable (CommunicationError) -> Void = { writeToStandardError("error: \($0)\n") },
  warn: @escaping @Sendable (String) -> Void = { writeToStandardError("warning: \($0)\n") }, limits: StallLimits? = .standard,
  _ body: (any Communicator) throws -> Result
) throws -> Result {
  let launch = Launch()
  let start = launch.launcher == nil ? nil : limits.map { StartWatch($0, launch, report: report, warn: warn) }
  defer { start?.end() }
  let communicator = try makeCommunicator()
  start?.end()
  return try run(on: communicator, exitCode: exitCode, report: report, warn: warn, limits: limits, body)
}

/// As `withCommunicator`, with a communicator of the caller's, which it ends.
package func run<Result>(
  on communicator: any Communicator, exitCode: @escaping (any Error) -> Int32, report: @escaping @Sendable (CommunicationError) -> Void,
  warn: @escaping @Sendable (String) -> Void, limits: StallLimits?, _ body: (any Communicator) throws -> Result
) throws -> Result {
  func work() throws -> Result {
    try CurrentCommunicator.$box.withValue(CurrentCommunicator.Box(communicator)) { try body(communicator) }
  }
  guard let mpi = communicator as? MPICommunicator else { return try work() }
  mpi.exitCode = exitCode
  do {
    if mpi.size > 1 { mpi.watchdog = try Watchdog.join(mpi, limits, report: report, warn: warn) }
    let result = try work()
    mpi.finalize()
    return result
  } catch {
    if mpi.size > 1 {
      guard let shared = error as? CommunicationError, shared.isShared else {
        mpi.abort(message: String(describing: error), exitCode: exitCode(error))
      }
      if mpi.isRoot { report(shared) }
    }
    mpi.finalize()
    throw error
  }
}

/// Writes all of `text` to stderr at once, so that lines of several processes do not mix; what was printed before comes first.
public func writeToStandardError(_ text: String) {
  qat_flush_output()
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    if written < 0 && errno != EINTR { return }
    bytes = bytes.dropFirst(max(0, written))
  }
}

extension Communicator {
  /// Writes `message` to stderr with rank, node and step before it, in one piece, so that lines of several ranks do not mix. One process alone writes the message only.
  public func report(_ message: String) {
    let step = Whereabouts.own.step
    let place = size == 1 ? "" : "[rank \(rank) node \(node)\(step > 0 ? " step \(step)" : "")] "
    writeToStandardError("\(place)\(message)\n")
  }

  /// Ends the processes of all ranks with `exitCode`, after `message` on stderr with rank and node. Never returns.
  public func abort(message: String, exitCode: Int32) -> Never {
    report(message)
    abort(exitCode: exitCode)
  }
}
