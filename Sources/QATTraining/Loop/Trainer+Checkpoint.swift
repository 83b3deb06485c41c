import CVectorKernels
import QATCommunication

extension Trainer {
  /// Size of a checkpoint's tensors.
  public var checkpointByteCount: Int { get throws { try CheckpointSnapshot(state: task.state, memories: memories.memories).byteCount } }

  /// Saves a checkpoint: rank 0 copies the values, and training goes on while they are written. All ranks call it after the same step.
  /// - Parameter waits: whether all ranks go on only when the checkpoint is on the disk, as at the run's end; then an error ends all of them.
  /// - Returns: its path on rank 0, when it was waited for.
  /// - Throws: `TrainingError` when a parameter is not finite, or the checkpoint was waited for and cannot be written.
  func save(waits: Bool) throws -> String? {
    guard task.directory != nil else { return nil }
    // An update may overflow though its gradients are finite. Nobody can go on from such parameters.
    guard qat_all_finite(task.state.parameters.pointer, task.state.parameters.count) != 0 else {
      let error = TrainingError(
        .numerical,
        "parameters are no longer finite after step \(step): training has diverged. Lower the learning rate or check the data; the last checkpoint is "
          + "untouched")
      try communicator.agree(error, exitCode: error.kind.exitCode)
      return nil
    }
    checkpoints.count += 1
    try memories.gather()
    let objects = try communicator.together { communicator.isRoot ? try task.objects?() ?? .init() : .init() }
    guard waits else {
      let began = ProgressLine.now
      // Waits for the one before, which a slow disk may still hold.
      WorkPhase.saving.run { writer?.begin(trainingState(), objects) }
      let seconds = ProgressLine.now - began
      checkpoints.seconds += seconds
      checkpoints.longestSeconds = max(checkpoints.longestSeconds, seconds)
      return nil
    }
    let path = try communicator.together { try WorkPhase.saving.run { try writer?.finish(trainingState(), objects) } }
    tellOfCheckpoints()
    // What has failed since the last step no longer matters but for its reason.
    if let failure = writer?.takeFailure() { warn(failure) }
    return path
  }

  /// Tells the callbacks of rank 0 what has been completed since the last call.
  func tellOfCheckpoints() {
    guard let writer else { return }
    for path in writer.takeCompleted() { callbacks.checkpointWritten(path, self) }
  }

  /// Does what the configuration says when the last checkpoint could not be written. All ranks know of it from the step's exchange and call it together.
  /// - Throws: the reason, on every rank, when the run is to end.
  func heedFailedCheckpoint() throws {
    checkpoints.failedCount += 1
    let failure = writer?.takeFailure()
    switch task.configuration.checkpoint.onError {
    case .warn:
      if let failure { warn(failure) }
    case .fail:
      try communicator.together { if let failure { throw failure } }
    }
  }

  private func warn(_ failure: any Error) {
    callbacks.warned(
      "a checkpoint could not be written: \(failure). The one before it is intact; the next one will be tried when it is due")
  }

  /// Where the run stands.
  private func trainingState() -> TrainingState {
    TrainingState(
      step: step, epoch: position.epoch, position: position.position, seed: task.configuration.seed, globalBatchSize: globalBatchSize,
      optimizerStep: optimizer.stepCount, skipped: numbers.skipped, compression: task.controller?.compressionState, best: best, history: history,
      identity: task.identity, environment: ComputeEnvironment(rankCount: task.configuration.reproducibleShards == nil ? communicator.size : nil))
  }
}
