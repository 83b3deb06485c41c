/// Why the ranks of a run cannot work together, or why one of them has ended it for all.
public struct CommunicationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of fault it is.
  public enum Code: Sendable, Hashable {
    /// The processes were not started as one run.
    case launch
    /// A call into the MPI library failed.
    case transport
    /// One or more ranks have met an error of their own, and all ranks know.
    case rankFailed
    /// Ranks differ in what must be equal.
    case mismatch
    /// A rank is lost: it is not heard any more, or does not move on.
    case stalled
  }

  /// The kind of fault.
  public let code: Code
  /// One paragraph: which rank on which node, what was found, what was expected.
  public let message: String
  /// What the process ends with. 2: wrongly started; 3: ranks differ; 6: a rank is lost; otherwise what the failing rank said, or 1.
  public let exitCode: Int32
  /// Whether every rank throws this same error at the same place, so that all may leave in an orderly way. `withCommunicator` has said it
  /// on rank 0 before it comes out: the caller only ends with `exitCode`.
  public let isShared: Bool

  /// An error with its sentence.
  public init(_ code: Code, _ message: String, exitCode: Int32 = 1, isShared: Bool = false) {
    self.code = code
    self.message = message
    self.exitCode = exitCode
    self.isShared = isShared
  }

  /// The message.
  public var description: String { message }
}
