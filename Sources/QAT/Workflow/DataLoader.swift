import QATCommunication
import QATData

/// A data set in batches: the samples, how they are prepared, how many go together. What PyTorch's `DataLoader` and a batched `tf.data.Dataset` are to a training script.
///
/// The order of an epoch, mirroring and moving follow from `seed`, the epoch and the sample alone: the same for every number of ranks.
public struct DataLoader: Sendable {
  /// The samples.
  public let dataset: any Dataset
  /// Samples of a batch on each rank.
  public let batchSize: Int
  /// What is done to a sample.
  public let preprocessing: Preprocessing
  /// Decides order and augmentation.
  public let seed: UInt64

  /// A loader.
  /// - Parameters:
  ///   - dataset: the samples.
  ///   - batchSize: samples of a batch on each rank, at least 1.
  ///   - preprocessing: what is done to a sample; nothing unless given.
  ///   - seed: decides order and augmentation.
  public init(_ dataset: any Dataset, batchSize: Int, preprocessing: Preprocessing = Preprocessing(), seed: UInt64 = 0) {
    precondition(batchSize > 0, "batches of \(batchSize) samples")
    self.dataset = dataset
    self.batchSize = batchSize
    self.preprocessing = preprocessing
    self.seed = seed
  }

  /// This rank's batches of an epoch, for a loop written by hand. Samples that do not fill a batch of all ranks are left out.
  /// - Parameter epoch: the epoch, counted from 0; each has its own order.
  /// - Returns: the batches, read ahead by a thread of their own.
  /// - Throws: `DataError` when there are fewer samples than one batch.
  public func batches(inEpoch epoch: Int = 0) throws -> EpochBatches {
    let communicator = try currentCommunicator()
    let partition = BatchPartition(microBatchSize: batchSize, rank: communicator.rank, rankCount: communicator.size)
    return EpochBatches(
      try BatchLoader(dataset: dataset, preprocessing: preprocessing, seed: seed, partition: partition, startEpoch: epoch), seed: seed)
  }
}

/// The batches of one epoch, one after the other.
public final class EpochBatches {
  /// Batches in the epoch.
  public let count: Int
  /// The loader's seed, from which dropout's random numbers follow too.
  let seed: UInt64
  private let loader: BatchLoader
  private var given = 0

  init(_ loader: BatchLoader, seed: UInt64) {
    self.loader = loader
    self.seed = seed
    count = loader.batchesPerEpoch
  }

  /// The next batch; nil after the last. The one before is over then: its samples are no longer there.
  /// - Throws: `DataError`, or what the data set throws.
  public func next() throws -> Batch? {
    guard given < count else { return nil }
    given += 1
    return Batch(samples: try loader.next(), owner: self)
  }
}

/// Samples and their classes, until the next batch is asked for.
public struct Batch {
  /// The samples one after the other, and their classes.
  public let samples: LoadedBatch
  /// Keeps the memory.
  private let owner: EpochBatches

  fileprivate init(samples: LoadedBatch, owner: EpochBatches) {
    self.samples = samples
    self.owner = owner
  }

  /// Number of samples of this rank.
  public var count: Int { samples.count }
  /// The loader's seed.
  var seed: UInt64 { owner.seed }
}
