import CTrainingSupport
import CWatching
import Foundation

/// What the watchdog's thread works with, on every rank.
struct WatchDesk {
  let rank: Int
  let nodes: [String]
  let limits: StallLimits
  /// Becomes readable when the working thread asks for something.
  let wakeUp: Int32
  let run: UInt64
  let report: @Sendable (CommunicationError) -> Void
  let warn: @Sendable (String) -> Void

  /// Seconds that mpirun is given to end the processes when it knows that one has failed, before they end themselves.
  private static let grace = 10.0

  /// Seconds of the clock by which all is measured.
  var now: Double { Double(qat_now()) / 1e9 }
  var medianStep: Double { Double(qat_activity_median_step()) / 1e9 }
  /// When the process ends by itself if nobody has ended it until then.
  var deadline: Double { now + Self.grace }

  /// When somebody has first asked this process to end; nil when nobody has.
  var askedToEnd: Double? { qat_requested_stop_time() > 0 ? Double(qat_requested_stop_time()) / 1e9 : nil }

  /// Seconds after which this rank speaks of rank 0's end. One rank speaks where it can: once it has ended, mpirun asks the others to end before their turn comes,
  /// for which it was seen to need more than a second on a busy node.
  var turn: Double { rank > 1 ? min(2 + 0.5 * Double(rank), Self.grace - 2) : 0 }

  /// This rank's message.
  func beat(_ kind: Int, exitCode: Int32 = 0) -> qat_beat { Whereabouts.own.beat(run: run, rank: rank, kind: kind, exitCode: exitCode) }

  /// Ends this process.
  func end(_ exitCode: Int32) -> Never { Watchdog.endProcess(exitCode) }

  /// Says the verdict, and what this rank has lately waited for.
  func announce(_ verdict: Verdict) {
    if verdict.kind != .died {
      let calls = RecentCall.newest(8)
      if !calls.isEmpty { warn("the last collectives of rank \(rank): \(calls.map(\.text).joined(separator: "; "))") }
    }
    report(CommunicationError(.stalled, verdict.text, exitCode: Watchdog.exitCode))
  }

  /// Reads what the working thread has written to wake this one.
  func clearWakeUp() {
    var bytes = [UInt8](repeating: 0, count: 16)
    var polled = pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)
    if poll(&polled, 1, 0) > 0 { _ = read(wakeUp, &bytes, bytes.count) }
  }
}

/// A call in which this rank has waited for others.
struct RecentCall {
  let text: String

  /// The newest calls, oldest first.
  static func newest(_ count: Int) -> [RecentCall] {
    var calls = [qat_call](repeating: qat_call(), count: count)
    let found = Int(qat_activity_recent_calls(&calls, Int32(count)))
    let now = qat_now()
    return calls.prefix(found).compactMap { call in
      guard let name = call.name else { return nil }
      let ended = call.end > 0
      let duration = ((ended ? call.end : now) - call.start) / 1_000_000
      let size = call.bytes > 0 ? " of \(call.bytes) bytes" : ""
      return RecentCall(text: "\(String(cString: name))\(size) in step \(call.step), \(duration) ms\(ended ? "" : " so far")")
    }
  }
}
