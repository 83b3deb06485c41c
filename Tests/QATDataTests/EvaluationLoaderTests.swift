import QATData
import Testing

@Suite("Evaluation batches")
struct EvaluationLoaderTests {
  @Test("the shares of all ranks are the whole, in order, in whole batches, as equal as can be", arguments: [0, 1, 5, 10, 10_000], [1, 2, 3, 4, 7])
  func shares(count: Int, size: Int) {
    for batchSize in [1, 3, 64] {
      let shares = (0..<size).map { EvaluationLoader.share(of: count, batchSize: batchSize, rank: $0, size: size) }
      #expect(shares.flatMap { Array($0) } == Array(0..<count))
      for share in shares where share.upperBound < count { #expect(share.lowerBound % batchSize == 0 && share.count % batchSize == 0) }
      let batches = shares.map { ($0.count + batchSize - 1) / batchSize }
      #expect((batches.max() ?? 0) - (batches.min() ?? 0) <= 1)
    }
  }

  @Test("every sample of the range comes once, in order, without padding", arguments: [0..<0, 3..<4, 0..<10, 5..<23], [1, 4, 5, 64])
  func exact(range: Range<Int>, batchSize: Int) throws {
    let loader = try EvaluationLoader(
      dataset: NumberedDataset(count: 23), preprocessing: Preprocessing(flip: true, cropPadding: 1), batchSize: batchSize, range: range)
    var seen: [Int] = []
    while let batch = try loader.next() {
      #expect(batch.position == range.lowerBound + seen.count)
      #expect(batch.count == min(batchSize, range.upperBound - batch.position))
      #expect(batch.pixels.count == 4 * batch.count)
      #expect(Array(batch.labels) == batch.numbers.map { Int32($0 % 10) })
      seen += batch.numbers
      #expect(batch.isLastOfEpoch == (seen.count == range.count))
    }
    #expect(seen == Array(range))
    #expect(try loader.next() == nil)
  }

  @Test("a batch size that is not positive is refused", arguments: [0, -1])
  func refused(batchSize: Int) {
    #expect(throws: DataError.self) {
      try EvaluationLoader(dataset: NumberedDataset(count: 3), preprocessing: Preprocessing(), batchSize: batchSize, range: 0..<3)
    }
  }
}
