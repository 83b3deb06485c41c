/// Why a run cannot begin or go on.
public struct TrainingError: Error, Hashable, CustomStringConvertible {
  /// What kind of remedy it takes; each has its exit code.
  public enum Kind: Sendable, Hashable {
    /// The model, the data and the configuration do not fit each other.
    case input
    /// Ranks, or a checkpoint and the run, disagree about what is trained.
    case mismatch
    /// No checkpoint can be read.
    case checkpoint
    /// The loss or a parameter is not finite.
    case numerical
    /// A file cannot be written.
    case storage
    /// A file cannot be written because the disk or a quota is full.
    case storageFull
    /// A written file computes something else than what was trained.
    case apart

    /// The process's exit code.
    public var exitCode: Int32 {
      switch self {
      case .input: 65
      case .mismatch: 3
      case .checkpoint: 4
      case .numerical: 5
      case .storage, .storageFull: 7
      case .apart: 8
      }
    }
  }

  /// What kind of remedy it takes.
  public var kind: Kind
  /// What was found, what was expected, where, and what to do.
  public var description: String

  /// An error with its sentences.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
