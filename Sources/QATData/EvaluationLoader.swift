import QATTensor

/// The samples of a contiguous range in their own order, without padding and without repeating any: the last batch is as small as it must be. Read ahead by
/// a thread of its own.
///
/// Ranks evaluate `share(of:batchSize:rank:size:)`: every sample counts once, and every batch holds the same samples, for every number of ranks.
public final class EvaluationLoader {
  private let queue: BatchQueue

  /// Starts reading.
  /// - Parameters:
  ///   - dataset: the samples.
  ///   - preprocessing: applied without mirroring and moving.
  ///   - batchSize: samples of a batch, at most.
  ///   - range: the samples to read; may be empty.
  /// - Throws: `DataError` when the preprocessing does not fit the samples or the batch size is not positive.
  /// - Precondition: the range lies in 0..<count.
  public init(dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int, range: Range<Int>) throws {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= dataset.count, "the range \(range) leaves the \(dataset.count) samples of \(dataset.name)")
    try preprocessing.validate(for: dataset.sampleShape)
    guard batchSize > 0 else { throw DataError(.unfit, dataset.name, "the batch size is \(batchSize): it must be positive") }
    let capacity = min(batchSize, max(range.count, 1))
    queue = BatchQueue(capacity: capacity, sampleSize: dataset.sampleShape.elementCount)
    queue.start(
      RangeProducer(
        reader: SampleReader(dataset: dataset, preprocessing: preprocessing), batchSize: capacity, at: range.lowerBound, end: range.upperBound))
  }

  deinit { queue.cancel() }

  /// The next batch, nil after the last. Its memory is valid until the next call and as long as the loader lives. `epoch` is 0, `position` the number of the
  /// batch's first sample.
  /// - Throws: what the data set threw on the reading thread.
  public func next() throws -> LoadedBatch? { try queue.next().map { LoadedBatch($0) } }

  /// The part of `count` samples that `rank` of `size` evaluates: whole batches, only the very last of which may be smaller. Contiguous, disjoint, together
  /// everything, in the order of ranks; the numbers of batches differ by at most one.
  public static func share(of count: Int, batchSize: Int, rank: Int, size: Int) -> Range<Int> {
    precondition(size > 0 && (0..<size).contains(rank), "rank \(rank) of \(size)")
    precondition(batchSize > 0, "batches of \(batchSize)")
    let batchCount = (count + batchSize - 1) / batchSize
    func start(_ rank: Int) -> Int { min(rank * batchCount / size * batchSize, count) }
    return start(rank)..<start(rank + 1)
  }
}

private struct RangeProducer: BatchProducer {
  let reader: SampleReader
  let batchSize: Int
  var at: Int
  let end: Int

  mutating func fill(_ slot: BatchSlot) throws -> Bool {
    let samples = at..<min(at + batchSize, end)
    guard !samples.isEmpty else { return false }
    for sample in samples { try reader.read(sample, augmentKey: nil, into: slot, place: sample - at) }
    slot.count = samples.count
    slot.position = at
    slot.firstSample = at
    at = samples.upperBound
    slot.next = DataPosition(epoch: at == end ? 1 : 0, position: at == end ? 0 : at)
    return true
  }
}
