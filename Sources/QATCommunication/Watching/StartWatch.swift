import CTrainingSupport
import CWatching
import Dispatch
import Foundation

/// Sees to it that a rank does not wait for ever, while MPI starts, for one that never comes. Nobody can tell from here which: ranks know each other only afterwards.
final class StartWatch: Sendable {
  private let hasStarted = DispatchSemaphore(value: 0)

  /// Begins to watch this process.
  /// - Parameters:
  ///   - limits: how long a start may take.
  ///   - launch: how this process was started.
  ///   - report: tells the user why the run is ended; called from a thread of its own.
  ///   - warn: tells the user that the start takes long; likewise.
  init(
    _ limits: StallLimits, _ launch: Launch, report: @escaping @Sendable (CommunicationError) -> Void, warn: @escaping @Sendable (String) -> Void
  ) {
    let rank = launch.rank ?? 0
    let name = "rank \(rank)\(launch.size.map { " of \($0)" } ?? "") (node \(ProcessInfo.processInfo.hostName))"
    Thread { [hasStarted] in
      qat_name_thread("qat-start")
      let patience = limits.startTimeout / 10
      if hasStarted.wait(timeout: .now() + patience) == .success { return }
      if rank == 0 { warn("\(name) has waited \(Int(patience.rounded())) s for all ranks to start") }
      // One rank speaks, the first that is there: mpirun asks the others to end before their turn comes.
      let turn = 2 * Double(min(rank, 8))
      if hasStarted.wait(timeout: .now() + 9 * patience + turn) == .success || qat_requested_stop_time() > 0 { return }
      report(
        CommunicationError(
          .stalled,
          "\(name) has waited \(Int(limits.startTimeout.rounded())) s for all ranks to start. One of them was not started, hangs, or is not reached over the "
            + "network that Open MPI has chosen. `ps` on each node shows who is there; --mca oob_tcp_if_include names the right network. Ending the run",
          exitCode: Watchdog.exitCode))
      Watchdog.endProcess(Watchdog.exitCode)
    }.start()
  }

  /// All ranks are there.
  func end() { hasStarted.signal() }
}
