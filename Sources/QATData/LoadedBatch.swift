/// One rank's micro-batch, lent by a loader until its next batch is asked for.
public struct LoadedBatch {
  /// The preprocessed samples one after the other, shape [count, channels, height, width].
  public let pixels: UnsafeBufferPointer<Float>
  /// Their classes.
  public let labels: UnsafeBufferPointer<Int32>
  /// The epoch, counted from 0.
  public let epoch: Int
  /// Position in the epoch of the first sample of the batch over all ranks: how many samples all ranks together have consumed before it.
  public let position: Int
  /// Position in the epoch of this batch's own first sample.
  public let firstSample: Int
  /// Where training goes on after the global batch: what a checkpoint stores once the batch is consumed.
  public let next: DataPosition

  /// Number of samples of this rank.
  public var count: Int { labels.count }
  /// Whether no whole batch is left in the epoch.
  public var isLastOfEpoch: Bool { next.epoch != epoch }
}

/// A place in the stream of training samples, the same for every number of ranks.
public struct DataPosition: Sendable, Codable, Hashable {
  /// The epoch, counted from 0.
  public var epoch: Int
  /// Samples of the epoch consumed by all ranks together.
  public var position: Int

  /// A place.
  public init(epoch: Int, position: Int) {
    self.epoch = epoch
    self.position = position
  }
}
