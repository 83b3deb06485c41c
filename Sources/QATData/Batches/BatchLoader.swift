import QATTensor

/// The training samples of one rank, micro-batch after micro-batch, epoch after epoch without end, read ahead by threads of its own.
///
/// Global batch s of an epoch is the next `globalBatchSize` positions of the epoch's `SampleOrder`; micro-batch m of it the positions [m·b, (m+1)·b), so all ranks
/// together see the same samples for every number of ranks. What is left at the end of an epoch, less than a global batch, is dropped.
/// What a micro-batch holds depends on (data set, preprocessing, seed, epoch, position) alone; starting at a position costs nothing but the epoch's permutation.
///
/// One thread consumes. The loader's own threads end with the loader.
public final class BatchLoader {
  /// Whole global batches in an epoch.
  public let batchesPerEpoch: Int
  /// Samples of an epoch that no batch holds.
  public let droppedPerEpoch: Int
  private let queue: BatchQueue

  /// Starts reading.
  /// - Parameters:
  ///   - dataset: the samples.
  ///   - preprocessing: applied to every sample.
  ///   - seed: of the run; decides order and augmentation.
  ///   - partition: how a global batch is dealt, and to which rank this loader belongs.
  ///   - startEpoch: the epoch to begin in.
  ///   - startPosition: samples of that epoch consumed already by all ranks together. When less than a batch is left, the next epoch begins.
  ///   - augment: whether samples are changed at random as `preprocessing` says.
  ///   - options: how they are read.
  /// - Throws: `DataError` when sizes do not go together.
  public init(
    dataset: any Dataset, preprocessing: Preprocessing, seed: UInt64, partition: BatchPartition, startEpoch: Int = 0, startPosition: Int = 0,
    augment: Bool = true, options: LoadingOptions = .init()
  ) throws {
    let globalBatchSize = partition.globalBatchSize
    let reader = try SampleReader(dataset: dataset, preprocessing: preprocessing, options: options)
    func fail(_ message: String) -> DataError { DataError(.unfit, dataset.name, message) }
    guard globalBatchSize <= dataset.count else {
      throw fail("it has \(dataset.count) samples, less than one batch of \(globalBatchSize) over all ranks: make the batch smaller")
    }
    guard startEpoch >= 0, UInt32(exactly: startEpoch) != nil, (0...dataset.count).contains(startPosition) else {
      throw fail("there is no epoch \(startEpoch), position \(startPosition) in a data set of \(dataset.count) samples")
    }
    batchesPerEpoch = dataset.count / globalBatchSize
    droppedPerEpoch = dataset.count % globalBatchSize
    queue = BatchQueue(
      TrainingProducer(
        sampleCount: dataset.count, seed: seed, partition: partition, start: DataPosition(epoch: startEpoch, position: startPosition)),
      reader: reader, capacity: partition.microBatchSize, augmentSeed: augment ? seed : nil, replaces: true)
    queue.start(threads: options.workers)
  }

  deinit { queue.cancel() }

  /// Memory of the batches that are read ahead, in bytes.
  public var byteCount: Int { queue.byteCount }

  /// This rank's next micro-batch. Its memory is valid until the next call and as long as the loader lives.
  /// - Throws: `DataError` or what the data set threw while it was read, after every batch before the fault has been given out.
  public func next() throws -> LoadedBatch {
    guard let slot = try queue.next() else { throw DataError(.unreadable, "batches", "the reading threads ended without an error") }
    return LoadedBatch(slot)
  }
}

/// Deals the micro-batches of all epochs to one rank.
private final class TrainingProducer: BatchProducer {
  private let sampleCount: Int
  private let seed: UInt64
  private let partition: BatchPartition
  private var at: DataPosition
  /// The micro-batch of the global batch at `at` that is planned next.
  private var microBatch: Int
  private var order: SampleOrder?

  init(sampleCount: Int, seed: UInt64, partition: BatchPartition, start: DataPosition) {
    self.sampleCount = sampleCount
    self.seed = seed
    self.partition = partition
    at = Self.settled(start, count: sampleCount, batch: partition.globalBatchSize)
    microBatch = partition.microBatches.lowerBound
  }

  /// The place where a whole batch is left: `place` or the next epoch's beginning.
  static func settled(_ place: DataPosition, count: Int, batch: Int) -> DataPosition {
    place.position + batch <= count ? place : DataPosition(epoch: place.epoch + 1, position: 0)
  }

  func plan(_ slot: BatchSlot) -> Bool {
    if order == nil { order = SampleOrder(count: sampleCount, seed: seed, epoch: at.epoch) }
    order?.move(toEpoch: at.epoch)
    let first = at.position + microBatch * partition.microBatchSize
    for place in 0..<partition.microBatchSize { slot.samples[place] = order?[first + place] ?? 0 }
    slot.count = partition.microBatchSize
    slot.epoch = at.epoch
    slot.position = at.position
    slot.firstSample = first
    let size = partition.globalBatchSize
    let next = Self.settled(DataPosition(epoch: at.epoch, position: at.position + size), count: sampleCount, batch: size)
    slot.next = next
    microBatch += 1
    if microBatch == partition.microBatches.upperBound { (at, microBatch) = (next, partition.microBatches.lowerBound) }
    return true
  }
}
