import Foundation
import QATCommunication
import Synchronization

/// Asks the run to stop when its time is over, or when a file appears. Rank 0 has one: the other ranks learn it with the next step.
///
/// A thread of its own looks once a second, so that a slow file system never holds up a step.
public final class StopConditions: Sendable {
  private let reasonFound = Mutex<String?>(nil)
  private let ended = DispatchSemaphore(value: 0)
  private let file: String
  private let deadline: ContinuousClock.Instant?
  private let limit: String

  /// What to look for.
  /// - Parameters:
  ///   - directory: the run's folder: a file named STOP in it asks to stop.
  ///   - deadline: when the time is over; nil for no limit.
  ///   - limit: the limit in words, for the message.
  public init(_ directory: CheckpointDirectory, deadline: ContinuousClock.Instant?, limit: String = "") {
    file = "\(directory.path)/STOP"
    self.deadline = deadline
    self.limit = limit
  }

  /// Starts looking. The run's folder is this run's by now: a file in another run's folder is that run's to heed.
  public func begin() {
    // What is there already stops the run before its first step.
    if isMet() { return }
    let thread = Thread { [self] in
      while ended.wait(timeout: .now() + .seconds(1)) == .timedOut, !isMet() {}
    }
    thread.name = "stop conditions"
    thread.start()
  }

  /// Why it has asked; nil as long as it has not.
  public var reason: String? { reasonFound.withLock { $0 } }

  /// Stops looking. The file that has been heeded is removed, so that the same command goes on instead of stopping again.
  public func end() {
    ended.signal()
    if reason != nil { FileSystem.discard(file) }
  }

  private func isMet() -> Bool {
    let reason: String
    // A file system that does not answer for a moment must not stop the run.
    if FileSystem.identity(file) != nil {
      reason = "there is a file \(file)"
    } else if let deadline, ContinuousClock.now >= deadline {
      reason = "the time of \(limit) is over"
    } else {
      return false
    }
    reasonFound.withLock { $0 = reason }
    StopRequest.note(.terminate)
    return true
  }
}
