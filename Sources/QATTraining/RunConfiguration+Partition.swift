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

extension BatchPartition {
  /// What the samples of a step are, in words.
  var words: String {
    let shards = shardCount == rankCount ? "\(rankCount) ranks" : "\(shardCount) shards"
    return "\(shards) × accumulation_steps \(accumulationSteps) × batch_size \(microBatchSize)"
  }

  /// What to say on the command line for steps of another size, with as many ranks or shards.
  func remedy(forStepsOf sampleCount: Int) -> String {
    let (share, rest) = sampleCount.quotientAndRemainder(dividingBy: shardCount)
    let parts = shardCount == rankCount ? "ranks" : "shards"
    guard rest == 0 else {
      let counts = (1...max(1, min(sampleCount, 2 * shardCount))).filter { sampleCount.isMultiple(of: $0) }.map(String.init)
      return
        "\(sampleCount) samples cannot be dealt to \(shardCount) \(parts) alike: start as many as divides them (\(counts.joined(separator: ", ")))"
    }
    // Micro-batches no larger than now, because they fit into memory, and as large as possible.
    let batchSize = (1...min(share, microBatchSize)).last { share.isMultiple(of: $0) } ?? 1
    let steps = share / batchSize
    return "For the same steps say --batch-size \(batchSize) --accumulation-steps \(steps)"
      + (steps > 1 ? " (or --batch-size \(share) --accumulation-steps 1, which takes more memory)" : "")
  }
}
