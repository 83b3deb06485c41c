import QATTensor

/// The training samples of one rank, batch after batch, epoch after epoch without end, read ahead by a thread of its own.
///
/// Global batch s of an epoch is the next `globalBatchSize` positions of the epoch's `SampleOrder`; rank r takes the positions [r·B/size, (r+1)·B/size) of it, so
/// all ranks together see the same samples for every number of ranks. What is left at the end of an epoch, less than a batch, is dropped.
/// What a batch holds depends on (data set, preprocessing, seed, epoch, position) alone; starting at a position costs nothing but the epoch's permutation.
///
/// One thread consumes. The loader's own thread ends with the loader.
public final class BatchLoader {
  /// Whole batches in an epoch.
  public let batchesPerEpoch: Int
  /// Samples of an epoch that no batch holds.
  public let droppedPerEpoch: Int
  private let queue: BatchQueue

  /// Starts reading.
  /// - Parameters:
  ///   - dataset: the samples.
  ///   - preprocessing: applied to every sample.
  ///   - seed: of the run; decides order and augmentation.
  ///   - globalBatchSize: samples of a batch over all ranks: a multiple of `size`, at most the data set's count.
  ///   - rank: this rank.
  ///   - size: number of ranks.
  ///   - startEpoch: the epoch to begin in.
  ///   - startPosition: samples of that epoch consumed already by all ranks together. When less than a batch is left, the next epoch begins.
  ///   - augment: whether samples are mirrored and moved as `preprocessing` says.
  /// - Throws: `DataError` when sizes do not go together.
  public init(
    dataset: any Dataset, preprocessing: Preprocessing, seed: UInt64, globalBatchSize: Int, rank: Int = 0, size: Int = 1, startEpoch: Int = 0,
    startPosition: Int = 0, augment: Bool = true
  ) throws {
    precondition(size > 0 && (0..<size).contains(rank), "rank \(rank) of \(size)")
    try preprocessing.validate(for: dataset.sampleShape)
    func fail(_ message: String) -> DataError { DataError(.unfit, dataset.name, message) }
    guard globalBatchSize > 0, globalBatchSize % size == 0 else {
      throw fail("a batch of \(globalBatchSize) samples cannot be dealt equally to \(size) ranks: make it a positive multiple of \(size)")
    }
    guard globalBatchSize <= dataset.count else {
      throw fail("it has \(dataset.count) samples, less than one batch of \(globalBatchSize) over all ranks: make the batch smaller")
    }
    guard startEpoch >= 0, UInt32(exactly: startEpoch) != nil, (0...dataset.count).contains(startPosition) else {
      throw fail("there is no epoch \(startEpoch), position \(startPosition) in a data set of \(dataset.count) samples")
    }
    batchesPerEpoch = dataset.count / globalBatchSize
    droppedPerEpoch = dataset.count % globalBatchSize
    let share = globalBatchSize / size
    queue = BatchQueue(capacity: share, sampleSize: dataset.sampleShape.elementCount)
    queue.start(
      TrainingProducer(
        reader: SampleReader(dataset: dataset, preprocessing: preprocessing), seed: seed, augment: augment, globalBatchSize: globalBatchSize,
        share: rank * share..<(rank + 1) * share, start: DataPosition(epoch: startEpoch, position: startPosition)))
  }

  deinit { queue.cancel() }

  /// The next batch. Its memory is valid until the next call and as long as the loader lives.
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
    next = slot.next
  }
}

/// Deals the batches of all epochs to one rank.
private struct TrainingProducer: BatchProducer {
  let reader: SampleReader
  let seed: UInt64
  let augment: Bool
  let globalBatchSize: Int
  let share: Range<Int>
  var at: DataPosition
  var order: SampleOrder?

  init(reader: SampleReader, seed: UInt64, augment: Bool, globalBatchSize: Int, share: Range<Int>, start: DataPosition) {
    self.reader = reader
    self.seed = seed
    self.augment = augment
    self.globalBatchSize = globalBatchSize
    self.share = share
    at = Self.settled(start, count: reader.dataset.count, batch: globalBatchSize)
  }

  /// The place where a whole batch is left: `place` or the next epoch's beginning.
  static func settled(_ place: DataPosition, count: Int, batch: Int) -> DataPosition {
    place.position + batch <= count ? place : DataPosition(epoch: place.epoch + 1, position: 0)
  }

  mutating func fill(_ slot: BatchSlot) throws -> Bool {
    if order == nil { order = SampleOrder(count: reader.dataset.count, seed: seed, epoch: at.epoch) }
    order?.move(toEpoch: at.epoch)
    guard let order else { return false }
    for place in 0..<share.count {
      let sample = order[at.position + share.lowerBound + place]
      let key = augment ? RandomKey(seed: seed, purpose: .augmentation, at.epoch, sample) : nil
      try reader.read(sample, augmentKey: key, into: slot, place: place)
    }
    slot.count = share.count
    slot.epoch = at.epoch
    slot.position = at.position
    at = Self.settled(DataPosition(epoch: at.epoch, position: at.position + globalBatchSize), count: reader.dataset.count, batch: globalBatchSize)
    slot.next = at
    return true
  }
}
