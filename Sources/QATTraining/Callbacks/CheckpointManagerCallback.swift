/// Has a run write its checkpoints: after every epoch, every so many steps, and at its end. As NNCF's callback of this name.
///
/// The folder is that of a run of `qat train`: `qat checkpoint`, `qat export` and `qat evaluate` work on it, and `fit` goes on from it.
public final class CheckpointManagerCallback: TrainingCallback {
  /// When checkpoints are written.
  public enum Frequency: Sendable, Hashable {
    /// After each epoch.
    case epoch
    /// After so many steps, counted over epochs, and after each epoch.
    case steps(Int)
  }

  /// The run's folder.
  public let directory: CheckpointDirectory
  /// When checkpoints are written.
  public let frequency: Frequency
  /// The user's own objects, asked for on rank 0 whenever a checkpoint is begun.
  public let objects: () throws -> [String: any Encodable & Sendable]
  /// The newest checkpoint that is complete, on rank 0.
  public private(set) var latest: String?

  /// Checkpoints in a folder.
  /// - Parameters:
  ///   - path: the folder; made when it is missing.
  ///   - frequency: when checkpoints are written.
  ///   - keepLast: how many of the newest stay; the best one stays besides.
  ///   - objects: the user's own objects by name, asked for whenever a checkpoint is begun.
  public init(
    _ path: String, saveFrequency frequency: Frequency = .epoch, keepLast: Int = 3,
    objects: @escaping () throws -> [String: any Encodable & Sendable] = { [:] }
  ) {
    directory = CheckpointDirectory(path, keepLast: keepLast)
    self.frequency = frequency
    self.objects = objects
  }

  /// Notes the folder.
  public func checkpointWritten(_ path: String, _ trainer: Trainer) { latest = path }
}
