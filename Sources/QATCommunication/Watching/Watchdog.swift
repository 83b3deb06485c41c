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
  ///   - limits: when a rank counts as lost.
  ///   - report: tells the user why the run is ended; called from the watchdog's thread.
  ///   - warn: tells the user that a rank is late; likewise.
  /// - Throws: `CommunicationError` when the ranks cannot exchange where they are.
  init(
    _ communicator: any Communicator, _ limits: StallLimits, report: @escaping @Sendable (CommunicationError) -> Void,
    warn: @escaping @Sendable (String) -> Void
  ) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw CommunicationError(.launch, "the watchdog has no pipe: \(String(cString: strerror(errno)))") }
    wakeUp = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let (listening, own) = communicator.isRoot ? WatchPost.listen() : (-1, WatchPost())
    let nodes = try communicator.allgather(record: WatchPost.record(node: communicator.node)).map(WatchPost.node)
    let post = WatchPost(try communicator.broadcastRecord(own.record))
    let rank = communicator.rank
    let wake = ends[0]
    qat_report_crashes("[rank \(rank) node \(communicator.node)] ")
    let thread = Thread { [self] in
      Thread.current.name = "qat-watchdog"  // from inside: the system's name, as tools show it, is that of the running thread
      let desk = WatchDesk(
        rank: rank, nodes: nodes, limits: limits, wakeUp: wake, run: post.run, launcher: launcherProcess(), report: report,
        warn: warn)
      if rank == 0 {
        Watch(desk, RootContacts(listening: listening, rankCount: nodes.count)).run(self)
      } else {
        Watch(desk, RankContacts(post, desk)).run(self)
      }
    }
    thread.start()
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

/// Where rank 0's watchdog is to be found, and the number that only this run's ranks know.
struct WatchPost: Hashable {
  var run: UInt64 = 0
  /// 0 when rank 0 cannot listen.
  var port = 0
  var addresses: [String] = []

  /// Opens rank 0's socket.
  static func listen() -> (socket: Int32, post: WatchPost) {
    var port: Int32 = 0
    let socket = qat_listen(&port)
    guard socket >= 0 else { return (-1, WatchPost(run: .random(in: 1 ... .max))) }
    var text = [CChar](repeating: 0, count: 900)
    qat_addresses(&text, text.count)
    let addresses = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ").map(String.init)
    return (socket, WatchPost(run: .random(in: 1 ... .max), port: Int(port), addresses: addresses))
  }

  /// As many bytes on each rank.
  var record: [UInt8] { Self.padded("\(run) \(port) \(addresses.joined(separator: " "))", to: 1024) }

  static func record(node: String) -> [UInt8] { padded(node, to: 64) }
  static func node(_ record: [UInt8]) -> String { String(decoding: record.prefix { $0 != 0 }, as: UTF8.self) }

  private static func padded(_ text: String, to count: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(count - 1))
    return bytes + [UInt8](repeating: 0, count: count - bytes.count)
  }
}

extension WatchPost {
  init(_ record: [UInt8]) {
    let words = Self.node(record).split(separator: " ").map(String.init)
    guard words.count >= 2 else { return }
    (run, port, addresses) = (UInt64(words[0]) ?? 0, Int(words[1]) ?? 0, Array(words.dropFirst(2)))
  }
}

extension Communicator {
  /// The root's record, which has the same size on every rank.
  fileprivate func broadcastRecord(_ record: [UInt8]) throws -> [UInt8] {
    var record = record
    try record.withUnsafeMutableBytes { try broadcast($0, from: 0) }
    return record
  }
}
