import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Names of what is garbage once its owner has gone: `.tmp-<name>-<host>-<pid>-<nonce>` while it is being written, `.trash-…` while it is being removed,
/// `.abandoned-…` as long as the run lives that went back behind it.
enum OwnedName {
  /// What it is.
  enum Kind: String, CaseIterable {
    /// Not complete yet.
    case temporary = ".tmp-"
    /// Perhaps no longer complete.
    case trash = ".trash-"
    /// Whole, but of steps that its owner does again.
    case abandoned = ".abandoned-"
  }

  /// A name that nobody else has.
  static func make(_ kind: Kind, of name: String) -> String {
    "\(kind.rawValue)\(name)-\(host)-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))"
  }

  /// Whether a name is of this sort and nobody on this machine is at work on it. What other machines have left is for the holder of the folder's lock to remove.
  static func isAbandoned(_ name: String) -> Bool {
    guard let kind = Kind.allCases.first(where: { name.hasPrefix($0.rawValue) }) else { return false }
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count > 3, let process = Int32(parts[parts.count - 2]), name.hasSuffix("-\(host)-\(process)-\(parts[parts.count - 1])") else {
      return true
    }
    // A process writes and removes one thing after the other: what else has its number is left over. What it has set aside stays until it ends.
    return process == getpid() ? kind != .abandoned : !isRunning(process)
  }

  /// Whether there is a process of this number on this machine. One that has ended and waits for its parent to ask how (a zombie) runs no more.
  static func isRunning(_ process: Int32) -> Bool {
    guard process > 0, kill(process, 0) == 0 || errno == EPERM else { return false }
    // Field 3 of proc(5)'s stat is the state; the name in parentheses before it may hold anything.
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else { return true }
    let state = text[text.index(after: end)...].first { $0 != " " }
    return state != "Z" && state != "X"
  }

  /// This machine.
  static let host = ProcessInfo.processInfo.hostName.replacingOccurrences(of: "/", with: "_")
}
