import QATJSON
import QATQuantization

/// When checkpoints are written and which stay (`checkpoint`).
public struct CheckpointConfiguration: Sendable, Hashable, Codable {
  /// What becomes of a run whose checkpoint cannot be written, as long as the one before it is intact.
  public enum FailurePolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// It is warned, goes on, and tries again when the next checkpoint is due.
    case warn
    /// It ends.
    case fail
  }

  /// Steps from one checkpoint to the next (`every`); 0 writes one at the end of each epoch only.
  public var every = 0
  /// How many of the newest stay (`keep_last`); the best one stays besides.
  public var keepLast = 3
  /// The one at the end of every so many epochs stays for good (`keep_every_epochs`); 0 keeps none for this.
  public var keepEveryEpochs = 0
  /// What a failure does (`on_error`).
  public var onError = FailurePolicy.warn

  /// The defaults.
  public init() {}

  static let schema = ObjectSchema<CheckpointConfiguration>(
    [
      SchemaKey("every", \.every, .integer(atLeast: 0)),
      SchemaKey("keep_last", \.keepLast, .integer(atLeast: 1)),
      SchemaKey("keep_every_epochs", \.keepEveryEpochs, .integer(atLeast: 0)),
      SchemaKey("on_error", \.onError, .choice()),
    ])
}

extension CheckpointDirectory {
  /// The folder of a run.
  /// - Parameters:
  ///   - path: the folder, which need not exist yet.
  ///   - configuration: which checkpoints stay.
  public init(_ path: String, _ configuration: CheckpointConfiguration) {
    self.init(path, keepLast: configuration.keepLast, keepEveryEpochs: configuration.keepEveryEpochs)
  }
}
