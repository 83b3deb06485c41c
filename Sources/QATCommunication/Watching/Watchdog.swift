import CWatching
import Foundation
import Synchronization

/// Sees to it that a run whose ranks wait for a rank that will not come ends with a sentence, instead of waiting for ever.
///
/// A thread on each rank, which calls nothing of MPI, tells rank 0 over TCP every few moments that the process lives and what it does; rank 0 tells the others the
/// same of itself. Whoever finds another lost says so and ends its process with exit code 6; mpirun then ends all others.
final class Watchdog: Sendable {
  /// What the watchdog ends a process with.
  static let exitCode: Int32 = 6

  /// Ends this process at once, and makes sure that mpirun ends too: it is given six seconds to do so by itself.
  static func endProcess(_ exitCode: Int32) -> Never { qat_end_process(exitCode, launcherProcess() ?? 0, 6) }

  /// What the working thread asks of the watchdog's.
  enum Request: Hashable {
    case watch
    /// All is done, the ranks come to an orderly end.
    case leave
    /// This rank ends the run.
    case abort(exitCode: Int32)
    /// MPI has ended.
    case stop
  }

  private struct State {
    var request = Request.watch
    var isAnnounced = false
  }

  private let state = Mutex(State())
  private let wakeUp: (read: Int32, write: Int32)

  /// Joins the ranks' watchdogs. All ranks do so together, before anything may hang.
  /// - Parameters:
  ///   - communicator: the ranks; used here only.
  ///   - limits: when a rank counts as lost; nil for never. Rank 0's hold for all: ranks that go by different ones would take each other for lost.
  ///   - report: tells the user why the run is ended; called from the watchdog's thread.
  ///   - warn: tells the user that a rank is late; likewise.
  /// - Returns: the watchdog; nil when rank 0 wants none.
  /// - Throws: `CommunicationError` when the ranks cannot exchange where they are.
  static func join(
    _ communicator: any Communicator, _ limits: StallLimits?, report: @escaping @Sendable (CommunicationError) -> Void,
    warn: @escaping @Sendable (String) -> Void
  ) throws -> Watchdog? {
    let (listening, own) = communicator.isRoot && limits != nil ? WatchPost.listen() : (-1, WatchPost())
    let nodes = try communicator.allgather(record: WatchPost.record(node: communicator.node)).map(WatchPost.node)
    let post = WatchPost(try communicator.broadcastRecord(own.announcing(limits).record))
    // Open MPI writes to the connection of a rank that has died: that must not end this one as well.
    signal(SIGPIPE, SIG_IGN)
    guard let limits = post.limits else { return nil }
    let rank = communicator.rank
    qat_report_crashes("[rank \(rank) node \(communicator.node)] ")
    let watchdog = try Watchdog()
    let desk = WatchDesk(
      rank: rank, nodes: nodes, limits: limits, wakeUp: watchdog.wakeUp.read, run: post.run, report: report, warn: warn)
    Thread {
      qat_name_thread("qat-watchdog")
      if rank == 0 {
        Watch(desk, RootContacts(listening: listening, rankCount: nodes.count)).run(watchdog)
      } else {
        Watch(desk, RankContacts(post, desk)).run(watchdog)
      }
    }.start()
    return watchdog
  }

  private init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw CommunicationError(.launch, "the watchdog has no pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    wakeUp = (ends[0], ends[1])
  }

  deinit {
    close(wakeUp.read)
    close(wakeUp.write)
  }

  /// What is asked now.
  var request: Request { state.withLock { $0.request } }

  /// Notes that the other ranks know of the request.
  func announced() { state.withLock { $0.isAnnounced = true } }

  /// Asks, and waits a moment until the other ranks have been told.
  func ask(_ request: Request) {
    state.withLock {
      $0.request = request
      $0.isAnnounced = false
    }
    var byte: UInt8 = 1
    write(wakeUp.write, &byte, 1)
    for _ in 0..<100 where !state.withLock({ $0.isAnnounced }) { usleep(2000) }
  }
}
