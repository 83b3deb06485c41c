/// How the samples of a step are dealt: into micro-batches of equal size, each one forward and backward pass, and whole micro-batches to ranks.
///
/// A step has shards × accumulation steps micro-batches. Without a number of shards each rank is one. With one, the shards stay the same whatever the number of
/// ranks, and rank r of p computes the shards [r·V/p, (r+1)·V/p): the global batch, and what each micro-batch holds, do not depend on the ranks.
public struct BatchPartition: Sendable, Hashable {
  /// Samples in a micro-batch.
  public let microBatchSize: Int
  /// Number of shards.
  public let shardCount: Int
  /// Micro-batches of a shard in a step.
  public let accumulationSteps: Int
  /// This rank.
  public let rank: Int
  /// Number of ranks.
  public let rankCount: Int

  /// A partition.
  /// - Parameters:
  ///   - microBatchSize: samples in a micro-batch.
  ///   - shardCount: number of shards, at least as many as ranks; one a rank when nil.
  ///   - accumulationSteps: micro-batches of a shard in a step.
  ///   - rank: this rank.
  ///   - rankCount: number of ranks.
  public init(microBatchSize: Int, shardCount: Int? = nil, accumulationSteps: Int = 1, rank: Int = 0, rankCount: Int = 1) {
    let shardCount = shardCount ?? rankCount
    precondition(rankCount > 0 && (0..<rankCount).contains(rank), "rank \(rank) of \(rankCount)")
    precondition(microBatchSize > 0 && accumulationSteps > 0, "\(accumulationSteps) micro-batches of \(microBatchSize) samples")
    precondition(shardCount >= rankCount, "\(shardCount) shards for \(rankCount) ranks")
    self.microBatchSize = microBatchSize
    self.shardCount = shardCount
    self.accumulationSteps = accumulationSteps
    self.rank = rank
    self.rankCount = rankCount
  }

  /// Micro-batches of a step over all ranks.
  public var microBatchCount: Int { shardCount * accumulationSteps }

  /// Samples of a step over all ranks.
  public var globalBatchSize: Int { microBatchCount * microBatchSize }

  /// The micro-batches that a rank computes.
  public func microBatches(ofRank rank: Int) -> Range<Int> {
    accumulationSteps * (rank * shardCount / rankCount)..<accumulationSteps * ((rank + 1) * shardCount / rankCount)
  }

  /// The micro-batches that this rank computes.
  public var microBatches: Range<Int> { microBatches(ofRank: rank) }
}
