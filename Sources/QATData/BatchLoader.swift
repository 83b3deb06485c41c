import QATTensor

/// The training samples of one rank, micro-batch after micro-batch, epoch after epoch without end, read ahead by a thread of its own.
///
/// Global batch s of an epoch is the next `globalBatchSize` positions of the epoch's `SampleOrder`; micro-batch m of it the positions [m·b, (m+1)·b), so all ranks
/// together see the same samples for every number of ranks. What is left at the end of an epoch, less than a global batch, is dropped.
/// What a micro-batch holds depends on (data set, preprocessing, seed, epoch, position) alone; starting at a position costs nothing but the epoch's permutation.
///
/// One thread consumes. The loader's own thread ends with the loader.
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
  ///   - augment: whether samples are mirrored and moved as `preprocessing` says.
  /// - Throws: `DataError` when sizes do not go together.
  public init(
    dataset: any Dataset, preprocessing: Preprocessing, seed: UInt64, partition: BatchPartition, startEpoch: Int = 0, startPosition: Int = 0,
    augment: Bool = true
  ) throws {
    let globalBatchSize = partition.globalBatchSize
    try preprocessing.validate(for: dataset.sampleShape)
    func fail(_ message: String) -> DataError { DataError(.unfit, dataset.name, message) }
    guard globalBatchSize <= dataset.count else {
      throw fail("it has \(dataset.count) samples, less than one batch of \(globalBatchSize) over all ranks: make the batch smaller")
    }
    guard startEpoch >= 0, UInt32(exactly: startEpoch) != nil, (0...dataset.count).contains(startPosition) else {
      throw fail("there is no epoch \(startEpoch), position \(startPosition) in a data set of \(dataset.count) samples")
    }
    batchesPerEpoch = dataset.count / globalBatchSize
    droppedPerEpoch = dataset.count % globalBatchSize
    queue = BatchQueue(capacity: partition.microBatchSize, sampleSize: dataset.sampleShape.elementCount)
    queue.start(
      TrainingProducer(
        reader: SampleReader(dataset: dataset, preprocessing: preprocessing), seed: seed, augment: augment, partition: partition,
        start: DataPosition(epoch: startEpoch, position: startPosition)))
  }

  deinit { queue.cancel() }

  /// This rank's next micro-batch. Its memory is valid until the next call and as long as the loader lives.
  /// - Throws: `DataError` or what the data set threw on the reading thread, after every batch before the fault has been given out.
  public func next() throws -> LoadedBatch {
    guard let slot = try queue.next() else { throw DataError(.unreadable, "batches", "the reading thread ended without an error") }
    return LoadedBatch(slot)
  }
}

extension LoadedBatch {
  init(_ slot: BatchSlot) {
    pixels = UnsafeBufferPointer(rebasing: slot.pixels.elements[..<(slot.count * slot.sampleSize)])
    labels = UnsafeBufferPointer(rebasing: slot.labels.elements[..<slot.count])
    epoch = slot.epoch
    position = slot.position
    firstSample = slot.firstSample
    next = slot.next
  }
}

/// Deals the micro-batches of all epochs to one rank.
private struct TrainingProducer: BatchProducer {
  let reader: SampleReader
  let seed: UInt64
  let augment: Bool
  let partition: BatchPartition
  var at: DataPosition
  /// The micro-batch of the global batch at `at` that is filled next.
  var microBatch: Int
  var order: SampleOrder?

  init(reader: SampleReader, seed: UInt64, augment: Bool, partition: BatchPartition, start: DataPosition) {
    self.reader = reader
    self.seed = seed
    self.augment = augment
    self.partition = partition
    at = Self.settled(start, count: reader.dataset.count, batch: partition.globalBatchSize)
    microBatch = partition.microBatches.lowerBound
  }

  /// The place where a whole batch is left: `place` or the next epoch's beginning.
  static func settled(_ place: DataPosition, count: Int, batch: Int) -> DataPosition {
    place.position + batch <= count ? place : DataPosition(epoch: place.epoch + 1, position: 0)
  }

  mutating func fill(_ slot: BatchSlot) throws -> Bool {
    if order == nil { order = SampleOrder(count: reader.dataset.count, seed: seed, epoch: at.epoch) }
    order?.move(toEpoch: at.epoch)
    guard let order else { return false }
    let first = at.position + microBatch * partition.microBatchSize
    for place in 0..<partition.microBatchSize {
      let sample = order[first + place]
      let key = augment ? RandomKey(seed: seed, purpose: .augmentation, at.epoch, sample) : nil
      try reader.read(sample, augmentKey: key, into: slot, place: place)
    }
    slot.count = partition.microBatchSize
    slot.epoch = at.epoch
    slot.position = at.position
    slot.firstSample = first
    let size = partition.globalBatchSize
    let next = Self.settled(DataPosition(epoch: at.epoch, position: at.position + size), count: reader.dataset.count, batch: size)
    slot.next = next
    microBatch += 1
    if microBatch == partition.microBatches.upperBound { (at, microBatch) = (next, partition.microBatches.lowerBound) }
    return true
  }
}
