import CTrainingSupport

/// What asked a run to stop before its end. Thrown, the same on every rank, by work that a request cuts short.
public enum StopRequest: Int64, Error, Sendable, Hashable {
  /// A batch system (SIGTERM, SIGUSR1, SIGUSR2), a limit of time, or a file. mpirun forwards SIGUSR1 and SIGUSR2 to every rank.
  case terminate = 1
  /// SIGINT: the user at the terminal.
  case interrupt = 2

  /// The process's exit code when the run has stopped with a valid checkpoint: 130 as shells say for an interrupt, 75 (`EX_TEMPFAIL`: start again to go on).
  public var exitCode: Int32 { self == .interrupt ? 130 : 75 }

  /// From now on signals are noted instead of ending the process; a second SIGINT or SIGTERM still ends it at once.
  public static func watch() { qat_watch_stop_signals() }

  /// The default handling of signals again; what was noted is forgotten.
  public static func release() {
    qat_release_stop_signals()
    qat_forget_stop()
  }

  /// Notes a request of this process's own, as a signal would. Any thread may call it.
  public static func note(_ request: StopRequest) { qat_request_stop(Int32(request.rawValue)) }

  /// What this process has been asked so far.
  public static var pending: StopRequest? { StopRequest(rawValue: Int64(qat_requested_stop())) }
}

extension Communicator {
  /// Leaves on all ranks when one of them has been asked to stop. All call it at the same place, between two phases of work.
  /// - Throws: `StopRequest`, the same on every rank; the communicator's error.
  public func stopIfAsked() throws {
    if let request = StopRequest(rawValue: try maximum(of: StopRequest.pending?.rawValue ?? 0)) { throw request }
  }

  /// Runs `body` once a round on every rank, as long as no rank fails or is asked to stop: then all leave after the same round.
  ///
  /// For long work in equal pieces, such as the batches of an evaluation. The body calls no collectives.
  /// - Parameters:
  ///   - count: number of rounds, the same on every rank.
  ///   - body: a piece of the work; receives the round's number.
  /// - Throws: what `agree` throws when a rank failed; `StopRequest`, the same on every rank, when one was asked to stop.
  public func inRounds(_ count: Int, _ body: (_ round: Int) throws -> Void) throws {
    let failed: Int64 = 3
    for round in 0..<count {
      var failure: (any Error)?
      do { try body(round) } catch { failure = error }
      let outcome = try maximum(of: failure == nil ? StopRequest.pending?.rawValue ?? 0 : failed)
      if outcome == failed { try together { if let failure { throw failure } } }
      if let request = StopRequest(rawValue: outcome) { throw request }
    }
  }

  private func maximum(of value: Int64) throws -> Int64 {
    var value = value
    try withUnsafeMutablePointer(to: &value) { try allreduce(UnsafeMutableBufferPointer(start: $0, count: 1), .maximum) }
    return value
  }
}
