import QAT

/// What the process ends with. Job scripts depend on the numbers; the README lists them.
public enum ExitStatus: Int32, Sendable, CaseIterable {
  /// All is done.
  case done = 0
  /// Something that this program does not expect.
  case unexpected = 1
  /// The ranks were not started as one run.
  case launch = 2
  /// Ranks, or a checkpoint and the run, differ in what must be equal.
  case mismatch = 3
  /// There is no valid checkpoint to go on from.
  case checkpoint = 4
  /// Too many steps in a row were not finite, or a parameter is not.
  case numerical = 5
  /// A rank is lost: stopped, cut off, or without progress for too long. Start again to go on from the last checkpoint.
  case stalled = 6
  /// A file cannot be written, or another run holds the folder.
  case storage = 7
  /// A network and a reference are further apart than was allowed, or a written file computes something else than what was trained.
  case apart = 8
  /// The command line is wrong (`EX_USAGE`).
  case usage = 64
  /// The configuration, the model or the data is wrong (`EX_DATAERR`).
  case input = 65
  /// Stopped on request with a valid checkpoint: start again to go on (`EX_TEMPFAIL`).
  case stopped = 75
  /// Interrupted at the terminal, with a valid checkpoint; a second time: ended at once.
  case interrupted = 130
  /// SIGTERM a second time: the handler has ended the process at once.
  case terminated = 143

  /// What the code says, in words: help and the manual page show them.
  var meaning: String {
    switch self {
    case .done: "done"
    case .unexpected: "something that this program does not expect"
    case .launch: "the ranks were not started as one run"
    case .mismatch: "ranks, or a checkpoint and the run, differ in what must be equal"
    case .checkpoint: "there is no valid checkpoint to go on from"
    case .numerical: "loss, gradients or parameters are not finite"
    case .stalled: "a rank is lost: start again to go on"
    case .storage: "a file cannot be written, or another run holds the folder"
    case .apart: "a network and its reference are further apart than --tolerance, or a written file is not what was trained"
    case .usage: "the command line is wrong"
    case .input: "the configuration, the model or the data is wrong"
    case .stopped: "stopped on request with a valid checkpoint: start again to go on"
    case .interrupted: "interrupted at the terminal, with a valid checkpoint, or ended at once by a second Ctrl-C"
    case .terminated: "ended at once by a second SIGTERM"
    }
  }

  /// The exit code of an error: the one place that decides.
  public static func code(for error: any Error) -> Int32 {
    switch error {
    case let error as CommunicationError: error.exitCode
    case let error as CommandError: error.status.rawValue
    case let error as TrainingError: status(of: error).rawValue
    case is FileError: storage.rawValue
    case is ConfigurationError, is JSONError, is ONNXError, is TensorFlowError, is OpenVINOError, is SafetensorsError, is DataError, is GraphError,
      is ShapeError,
      is QuantizationError,
      is EngineError:
      input.rawValue
    case let error as LoweringError: (error.isNumerical ? numerical : input).rawValue
    default: unexpected.rawValue
    }
  }

  private static func status(of error: TrainingError) -> ExitStatus {
    switch error.kind {
    case .input: .input
    case .mismatch: .mismatch
    case .checkpoint: .checkpoint
    case .numerical: .numerical
    case .storage, .storageFull: .storage
    case .apart: .apart
    }
  }
}

/// An error that a command itself finds.
public struct CommandError: Error, Hashable, CustomStringConvertible {
  /// What the process ends with.
  public var status: ExitStatus
  /// What was found, what was expected, what to do.
  public var description: String

  /// An error with its sentences.
  public init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }
}
