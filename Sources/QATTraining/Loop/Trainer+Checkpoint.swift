import QATCommunication

extension Trainer {
  /// Writes a checkpoint on rank 0; an error ends all ranks.
  /// - Returns: its path, on rank 0.
  func save() throws -> String? {
    guard let directory = task.directory else { return nil }
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
        optimizerStep: optimizer.stepCount, compression: task.controller?.compressionState, best: best, identity: task.identity))
  }
}
