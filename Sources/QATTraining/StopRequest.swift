import CTrainingSupport

/// What asked a run to stop before its end.
public enum StopRequest: Sendable, Hashable {
  /// SIGINT: the user at the terminal.
  case interrupt
  /// SIGTERM or SIGUSR1: a batch system. mpirun forwards SIGUSR1 to every rank.
  case terminate

  /// The process's exit code when the run has stopped with a valid checkpoint: 130 as shells say for an interrupt, 75 (`EX_TEMPFAIL`: start again to go on).
  public var exitCode: Int32 { self == .interrupt ? 130 : 75 }

  /// From now on signals are noted instead of ending the process; a second SIGINT or SIGTERM still ends it at once.
  public static func watch() { qat_watch_stop_signals() }

  /// The default handling of signals again; what was noted is forgotten.
  public static func release() {
    qat_release_stop_signals()
    qat_forget_stop()
  }

  /// What this process has been asked so far.
  public static var pending: StopRequest? {
    switch Int(qat_requested_stop()) {
    case Int(qat_stop_interrupt): .interrupt
    case Int(qat_stop_terminate): .terminate
    default: nil
    }
  }
}
