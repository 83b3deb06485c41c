/// Why data cannot be read, or cannot be used as asked.
public struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of fault it is.
  public enum Code: Sendable, Hashable {
    /// A file or folder is missing or cannot be read.
    case unreadable
    /// A file is not what it claims to be: foreign, truncated, corrupt.
    case corrupt
    /// The data is sound but does not fit what is asked of it: label out of range, shapes or sizes that do not go together.
    case unfit
  }

  /// The kind of fault.
  public let code: Code
  /// The file or data set.
  public let file: String
  /// One sentence: what was found, what was expected, what to do.
  public let message: String

  /// An error about `file`.
  public init(_ code: Code, _ file: String, _ message: String) {
    self.code = code
    self.file = file
    self.message = message
  }

  /// The file and the sentence.
  public var description: String { "\(file): \(message)" }
}
