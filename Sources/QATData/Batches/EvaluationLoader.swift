import QATTensor

/// The samples of a contiguous range in their own order, without padding and without repeating any: the last batch is as small as it must be. Read ahead by
/// threads of its own. A corrupt sample that may be skipped is left out, and its batch is smaller.
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
  ///   - options: how they are read.
  /// - Throws: `DataError` when the preprocessing does not fit the samples or the batch size is not positive.
  /// - Precondition: the range lies in 0..<count.
  public init(dataset: any Dataset, preprocessing: Preprocessing, batchSize: Int, range: Range<Int>, options: LoadingOptions = .init()) throws {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= dataset.count, "the range \(range) leaves the \(dataset.count) samples of \(dataset.name)")
    let reader = try SampleReader(dataset: dataset, preprocessing: preprocessing, options: options)
    guard batchSize > 0 else { throw DataError(.unfit, dataset.name, "the batch size is \(batchSize): it must be positive") }
    let capacity = min(batchSize, max(range.count, 1))
    queue = BatchQueue(
      RangeProducer(batchSize: capacity, range: range), reader: reader, capacity: capacity, augmentSeed: nil, replaces: false)
    queue.start(threads: options.workers)
  }

  deinit { queue.cancel() }

  /// The next batch, nil after the last. Its memory is valid until the next call and as long as the loader lives. `epoch` is 0, `position` the number of the
  /// batch's first sample.
  /// - Throws: what the data set threw while it was read.
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

private final class RangeProducer: BatchProducer {
  private let batchSize: Int
  private var at: Int
  private let end: Int

  init(batchSize: Int, range: Range<Int>) {
    self.batchSize = batchSize
    at = range.lowerBound
    end = range.upperBound
  }

  func plan(_ slot: BatchSlot) -> Bool {
    let samples = at..<min(at + batchSize, end)
    guard !samples.isEmpty else { return false }
    for sample in samples { slot.samples[sample - at] = sample }
    slot.count = samples.count
    slot.position = at
    slot.firstSample = at
    at = samples.upperBound
    slot.next = DataPosition(epoch: at == end ? 1 : 0, position: at == end ? 0 : at)
    return true
  }
}
