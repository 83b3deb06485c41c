import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the file `LOCK` says: whose a run's folder is.
struct LockOwner: Codable, Hashable {
  /// After so many seconds without a sign of life, an owner on another machine counts as gone.
  static let patience = 300.0
  /// Seconds from one sign of life to the next.
  static let heartbeatInterval = 60.0

  /// The machine.
  var host: String
  /// The process.
  var process: Int32
  /// When the process started, in the system's own count: numbers of processes come again.
  var processStart: UInt64?
  /// The batch system's job, where there is one.
  var job: String?
  /// When it took the folder.
  var since: Date
  /// Its last sign of life.
  var heartbeat: Date

  /// This process, now.
  static func current() -> LockOwner {
    let environment = ProcessInfo.processInfo.environment
    let job = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"].lazy.compactMap { environment[$0] }.first
    let now = Date()
    return LockOwner(host: OwnedName.host, process: getpid(), processStart: start(of: getpid()), job: job, since: now, heartbeat: now)
  }

  /// Why a process that holds no lock of the system's must still be taken for alive.
  /// - Parameter candidate: who wants to take its place.
  /// - Returns: the reason in words; nil when it is gone.
  func signOfLife(to candidate: LockOwner) -> String? {
    if host == candidate.host {
      let isAlive = OwnedName.isRunning(process) && (processStart == nil || processStart == Self.start(of: process))
      return isAlive ? "that process is running" : nil
    }
    // A batch system starts a job again only when it has ended.
    if let job, job == candidate.job { return nil }
    let silence = candidate.heartbeat.timeIntervalSince(heartbeat)
    return silence > Self.patience ? nil : "its last sign of life is \(Int(max(0, silence))) s old (after \(Int(Self.patience)) s it counts as gone)"
  }

  /// When a process started, in ticks since the machine did; nil when the system does not say.
  private static func start(of process: Int32) -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else { return nil }
    // The name in parentheses may hold anything; field 3 comes after it, the start is field 22.
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }
}

extension LockOwner: CustomStringConvertible {
  /// Process, machine, job and time, as in a sentence.
  var description: String {
    "process \(process) on \(host)\(job.map { " (job \($0))" } ?? ""), since \(since.ISO8601Format())"
  }
}
