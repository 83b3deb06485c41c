import QATCommunication
import QATData

extension RunConfiguration {
  /// How the samples of a step are dealt to micro-batches and ranks.
  /// - Parameter communicator: the ranks.
  /// - Returns: this rank's view of it.
  /// - Throws: `TrainingError` when there are more ranks than shards.
  public func partition(_ communicator: any Communicator) throws(TrainingError) -> BatchPartition {
    if let shards = reproducibleShards {
      guard communicator.size <= shards else {
        throw TrainingError(
          .input,
          "there are \(communicator.size) ranks, but a reproducible run of \(shards) shards has work for \(shards) at most. Start fewer ranks, or a new run "
            + "with --reproducible \(communicator.size)")
      }
    }
    return BatchPartition(
      microBatchSize: batchSize, shardCount: reproducibleShards, accumulationSteps: accumulationSteps, rank: communicator.rank,
      rankCount: communicator.size)
  }
}
