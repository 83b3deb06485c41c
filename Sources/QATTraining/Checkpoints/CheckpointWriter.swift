import CTrainingSupport
import Foundation

/// Writes checkpoints while training goes on: the values are copied between two steps, a thread of its own brings them to the disk. Rank 0 has one.
///
/// At most one checkpoint is on its way: who comes before it is complete waits. The thread runs at a lower priority than training and makes no MPI calls.
/// Invariant behind `@unchecked Sendable`: `isBusy`, `failure` and `completed` are touched with the condition's lock held; the snapshot belongs to the writing thread
/// while `isBusy`, otherwise to the training thread.
final class CheckpointWriter: @unchecked Sendable {
  private let directory: CheckpointDirectory
  private let snapshot: CheckpointSnapshot
  private let condition = NSCondition()
  private var isBusy = false
  private var failure: (any Error)?
  private var completed: [String] = []

  /// A writer into a folder.
  /// - Parameters:
  ///   - directory: the run's folder.
  ///   - snapshot: room for the values.
  init(_ directory: CheckpointDirectory, snapshot: CheckpointSnapshot) {
    self.directory = directory
    self.snapshot = snapshot
  }

  /// Copies the values and returns; the checkpoint follows. Waits for the one before.
  /// - Parameters:
  ///   - state: where the run stands.
  ///   - objects: the user's own objects.
  func begin(_ state: TrainingState, _ objects: CheckpointObjects = .init()) {
    wait()
    snapshot.take()
    condition.withLock { isBusy = true }
    let thread = Thread { [self] in
      qat_lower_priority()
      let result = Result { try write(state, objects) }
      condition.withLock {
        if case .failure(let error) = result { failure = error }
        isBusy = false
      }
      condition.signal()
    }
    thread.name = "qat checkpoint"
    thread.start()
  }

  /// Writes a checkpoint and returns when it is on the disk. Waits for the one before.
  /// - Parameters:
  ///   - state: where the run stands.
  ///   - objects: the user's own objects.
  /// - Returns: path of the checkpoint's folder.
  /// - Throws: what `CheckpointDirectory.save` throws.
  func finish(_ state: TrainingState, _ objects: CheckpointObjects = .init()) throws -> String {
    wait()
    snapshot.take()
    return try write(state, objects)
  }

  /// Returns when nothing is on its way.
  func wait() {
    condition.withLock { while isBusy { condition.wait() } }
  }

  /// Whether a checkpoint has failed since `takeFailure`.
  var hasFailed: Bool { condition.withLock { failure != nil } }

  /// Why a checkpoint has failed since the last call; nil when none has.
  func takeFailure() -> (any Error)? {
    condition.withLock {
      defer { failure = nil }
      return failure
    }
  }

  /// The folders of the checkpoints that were completed since the last call, in their order.
  func takeCompleted() -> [String] {
    condition.withLock {
      defer { if !completed.isEmpty { completed = [] } }
      return completed
    }
  }

  private func write(_ state: TrainingState, _ objects: CheckpointObjects) throws -> String {
    let path = try directory.save(model: snapshot.model, optimizer: snapshot.optimizer, state: state, objects: objects)
    condition.withLock { completed.append(path) }
    return path
  }
}
