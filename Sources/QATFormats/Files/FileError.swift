import Foundation

/// Why a file or folder could not be made or read.
public struct FileError: Error, Hashable, CustomStringConvertible {
  /// What was tried, as in "cannot write".
  public var verb: String
  /// The file or folder at fault.
  public var file: String
  /// What follows its name, as in "to <target>"; mostly nothing.
  public var more = ""
  /// The system's number of the cause (`errno`).
  public var code: Int32

  /// An error with the system's cause.
  public init(_ verb: String, _ file: String, _ more: String = "", code: Int32 = errno) {
    (self.verb, self.file, self.more, self.code) = (verb, file, more, code)
  }

  /// The system's cause, as in "No space left on device".
  public var cause: String { String(cString: strerror(code)) }
  /// What went wrong, to follow the file's name.
  public var reason: String {
    switch verb {
    case "write": "the file cannot be written: \(cause)"
    case "read": "the file cannot be read: \(cause)"
    default: "cannot \(verb) it: \(cause)"
    }
  }
  /// Whether the disk or a quota is full.
  public var isFull: Bool { code == ENOSPC || code == EDQUOT }
  /// All of it in a sentence.
  public var description: String { "cannot \(verb) \(file)\(more.isEmpty ? "" : " " + more): \(cause)" }
}
