import Foundation
import QATData
import Testing

@Suite("Reading with several threads, and corrupt samples")
struct ReadingThreadsTests {
  private func loader(_ dataset: any Dataset, _ options: LoadingOptions, batch: Int = 4) throws -> BatchLoader {
    try BatchLoader(
      dataset: dataset, preprocessing: Preprocessing(flip: true, cropPadding: 1), seed: 7, partition: BatchPartition(microBatchSize: batch),
      options: options)
  }

  private func options(workers: Int = 1, limit: Int = 0) -> LoadingOptions {
    var options = LoadingOptions()
    options.workers = workers
    options.unreadable = UnreadableSamples(limit: limit)
    return options
  }

  @Test("any number of threads gives the same batches", arguments: [2, 3, 8])
  func threads(count: Int) throws {
    let dataset = try openDataset("synthetic:2,9,7,3,50", split: .train)
    let (one, many) = (try loader(dataset, options()), try loader(dataset, options(workers: count)))
    for _ in 0..<40 {
      let (expected, found) = (try one.next(), try many.next())
      #expect(Array(found.pixels) == Array(expected.pixels) && Array(found.labels) == Array(expected.labels))
      #expect(found.epoch == expected.epoch && found.position == expected.position && found.next == expected.next)
    }
    let evaluation = try EvaluationLoader(
      dataset: dataset, preprocessing: Preprocessing(), batchSize: 7, range: 3..<50, options: options(workers: count))
    var labels: [Int32] = []
    while let batch = try evaluation.next() { labels += batch.labels }
    #expect(labels == (3..<50).map { dataset.label(at: $0) })
  }

  @Test("the first unreadable sample in the order is the one that is reported, whichever thread meets it", arguments: [1, 4], [0, 9, 31])
  func failure(threads: Int, place: Int) throws {
    let faulty = SampleOrder(count: 32, seed: 7, epoch: 0)[place]
    let loader = try loader(NumberedDataset(count: 32, faulty: [faulty]), options(workers: threads))
    for _ in 0..<place / 4 { #expect(try loader.next().count == 4) }
    for _ in 0..<3 {
      let error = try #require(throws: DataError.self) { _ = try loader.next() }
      #expect(error.description == "numbered: sample \(faulty) is broken")
    }
  }

  @Test("for a corrupt sample the next sound one stands in, for any number of threads; what was skipped is counted once", arguments: [1, 3])
  func replaced(threads: Int) throws {
    let faulty: Set = [4, 5, 11]
    let options = options(workers: threads, limit: 3)
    let loader = try BatchLoader(
      dataset: NumberedDataset(count: 12, faulty: faulty), preprocessing: Preprocessing(), seed: 7, partition: BatchPartition(microBatchSize: 4),
      options: options)
    for epoch in 0..<3 {
      let order = SampleOrder(count: 12, seed: 7, epoch: epoch)
      let found = try (0..<3).flatMap { _ in try loader.next().numbers }
      #expect(found == (0..<12).map { [4: 6, 5: 6, 11: 0][order[$0]] ?? order[$0] })
    }
    #expect(options.unreadable.count == 3)
    #expect(options.unreadable.errors.map(\.message) == [4, 5, 11].map { "sample \($0) is broken" })
  }

  @Test("in an evaluation a corrupt sample is left out", arguments: [1, 3])
  func leftOut(threads: Int) throws {
    let loader = try EvaluationLoader(
      dataset: NumberedDataset(count: 10, faulty: [0, 3, 4]), preprocessing: Preprocessing(), batchSize: 2, range: 0..<10,
      options: options(workers: threads, limit: 5))
    var batches: [[Int]] = []
    while let batch = try loader.next() {
      #expect(batch.labels.map { Int($0) } == batch.numbers)
      batches.append(batch.numbers)
    }
    #expect(batches == [[1], [2], [5], [6, 7], [8, 9]])
  }

  @Test("more corrupt samples than may be skipped are an error with the number and the key")
  func tooMany() throws {
    let loader = try loader(NumberedDataset(count: 12, faulty: [1, 2, 3]), options(limit: 2), batch: 12)
    let error = try #require(throws: DataError.self) { _ = try loader.next() }
    #expect(error.description.contains("corrupt file number 3, and data.max_corrupt lets 2 be skipped"), "\(error)")
    let none = try self.loader(NumberedDataset(count: 3, faulty: [0, 1, 2]), options(limit: 9), batch: 3)
    #expect { _ = try none.next() } throws: { "\($0)".contains("all 3 samples are corrupt") }
  }

  /// Two inputs and a map of classes.
  private struct Pairs: Dataset {
    let name = "pairs", count = 6, contentHash: UInt64 = 1
    let inputs = [SampleInput("ids", .tensor([3])), SampleInput("mask", .tensor([2]))]
    var highest: Int32 = 3
    var target: SampleTarget { .classes(shape: [2], count: Int(highest) + 1) }

    func read(_ index: Int, into sample: Sample) {
      sample.input(0).update(repeating: Float(index))
      sample.input(1).update(repeating: Float(-index))
      (sample.classes[0], sample.classes[1]) = (index == 3 ? highest : 1, -100)
    }
  }

  @Test("samples of several inputs, with a class for each position; classes are checked while they are read")
  func inputs() throws {
    var options = options(workers: 2)
    options.classes = ClassRule(classCount: 4, ignoreIndex: -100)
    let loader = try EvaluationLoader(dataset: Pairs(), preprocessing: Preprocessing(), batchSize: 3, range: 0..<6, options: options)
    let first = try #require(try loader.next())
    #expect(Array(first.input(0)) == [0, 0, 0, 1, 1, 1, 2, 2, 2] && Array(first.input(1)) == [0, 0, -1, -1, -2, -2])
    #expect(Array(first.labels) == [1, -1, 1, -1, 1, -1] && first.count == 3)
    let wild = try EvaluationLoader(dataset: Pairs(highest: 9), preprocessing: Preprocessing(), batchSize: 6, range: 0..<6, options: options)
    #expect { _ = try wild.next() } throws: { "\($0)".contains("sample 3 has the label 9 at position 0, but the network tells 4 classes apart") }
    #expect { try EvaluationLoader(dataset: Pairs(), preprocessing: Preprocessing(mean: [1]), batchSize: 3, range: 0..<6) } throws: {
      "\($0)".contains("are for images")
    }
  }
}
