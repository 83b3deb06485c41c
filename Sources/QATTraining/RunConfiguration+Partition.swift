import QATCommunication
import QATData

extension RunConfiguration {
  /// How the samples of a step are dealt to micro-batches and ranks.
  /// - Parameter communicator: the ranks.
  /// - Returns: this rank's view of it.
  /// - Throws: `TrainingError` when there are more ranks than shards, or the configuration asks for what depends on the number of ranks.
  public func partition(_ communicator: any Communicator) throws(TrainingError) -> BatchPartition {
    if let shards = reproducibleShards {
      guard communicator.size <= shards else {
        throw TrainingError(
          .input,
          "there are \(communicator.size) ranks, but a reproducible run of \(shards) shards has work for \(shards) at most. Start fewer ranks, or a new run "
            + "with --reproducible \(communicator.size)")
      }
      guard batchNorm == .local else {
        throw TrainingError(
          .input,
          "a reproducible run normalises each shard by itself, for every number of ranks, but 'batch_norm' is '\(batchNorm.rawValue)'. Set it to "
            + "'\(BatchNormScope.local.rawValue)', or leave 'reproducible' out")
      }
      guard gradientPrecision == .float32 else {
        throw TrainingError(
          .input,
          "gradients rounded to '\(gradientPrecision.rawValue)' on each rank depend on the number of ranks, and a reproducible run must not. Set "
            + "'gradient_precision' to '\(GradientPrecision.float32.rawValue)', or leave 'reproducible' out")
      }
    }
    return BatchPartition(
      microBatchSize: batchSize, shardCount: reproducibleShards, accumulationSteps: accumulationSteps, rank: communicator.rank,
      rankCount: communicator.size)
  }
}
