import CVectorKernels
import QATCommunication

extension Trainer {
  /// Writes a checkpoint on rank 0; an error ends all ranks.
  /// - Returns: its path, on rank 0.
  /// - Throws: `TrainingError` when a parameter is not finite or the checkpoint cannot be written.
  func save() throws -> String? {
    guard let directory = task.directory else { return nil }
    // A gradient may overflow while the loss is still finite. Nobody can go on from such parameters.
    guard qat_all_finite(task.state.parameters.pointer, task.state.parameters.count) != 0 else {
      let error = TrainingError(
        .numerical,
        "parameters are no longer finite after step \(step): training has diverged. Lower the learning rate or check the data; the last checkpoint is "
          + "untouched")
      try communicator.agree(error, exitCode: error.kind.exitCode)
      return nil
    }
    return try communicator.together {
      communicator.isRoot ? try directory.save(checkpoint()) : nil
    }
  }

  /// Everything the run needs to go on from here.
  func checkpoint() -> Checkpoint {
    Checkpoint(
      model: task.state.tensors(), optimizer: optimizer.tensors(slots: task.state.parameterSlots),
      state: TrainingState(
        step: step, epoch: position.epoch, position: position.position, seed: task.configuration.seed, globalBatchSize: globalBatchSize,
        optimizerStep: optimizer.stepCount, compression: task.controller?.compressionState, best: best, history: history, identity: task.identity,
        environment: ComputeEnvironment(rankCount: communicator.size)))
  }
}
