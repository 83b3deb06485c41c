import Foundation
import QATData
import Testing

@Suite("Reading ahead")
struct PrefetchTests {
  /// Waits until `condition` holds, ten seconds at most.
  private func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<1000 where !condition() { Thread.sleep(forTimeInterval: 0.01) }
    return condition()
  }

  @Test("three batches are read before anybody asks, and no more")
  func bounded() throws {
    let dataset = NumberedDataset(count: 100)
    let loader = try BatchLoaderTests.loader(dataset, batch: 4)
    #expect(eventually { dataset.readCount == 12 })
    Thread.sleep(forTimeInterval: 0.05)
    #expect(dataset.readCount == 12)
    _ = try loader.next()  // the first is in use: its memory is not free before the next is asked for
    Thread.sleep(forTimeInterval: 0.05)
    #expect(dataset.readCount == 12)
    _ = try loader.next()
    #expect(eventually { dataset.readCount == 16 })
  }

  @Test("the same memory is used again and again, and a lent batch stays as it is until the next is asked for")
  func memory() throws {
    let loader = try BatchLoaderTests.loader(NumberedDataset(count: 40), batch: 4)
    var places = Set<UnsafePointer<Float>?>()
    for _ in 0..<50 {
      let batch = try loader.next()
      let before = batch.numbers
      Thread.sleep(forTimeInterval: 0.001)
      #expect(batch.numbers == before)
      places.insert(batch.pixels.baseAddress)
    }
    #expect(places.count == 3)
  }

  @Test("a batch says when it was read, and into which memory, which one batch has at a time")
  func readingTimes() throws {
    let loader = try BatchLoaderTests.loader(NumberedDataset(count: 40), batch: 4)
    let readings = try (0..<12).map { _ in try loader.next().reading }
    #expect(readings.map(\.memory) == (0..<12).map { $0 % 3 })
    for memory in 0..<3 {
      let own = readings.filter { $0.memory == memory }
      for (one, next) in zip(own, own.dropFirst()) { #expect(one.start <= one.end && one.end <= next.start) }
    }
  }

  @Test("an unreadable sample is reported after all batches before it, and again whenever asked", arguments: [0, 9, 31])
  func failure(place: Int) throws {
    let faulty = SampleOrder(count: 32, seed: 7, epoch: 0)[place]
    let loader = try BatchLoaderTests.loader(NumberedDataset(count: 32, faulty: [faulty]), batch: 4)
    for _ in 0..<place / 4 { #expect(try loader.next().count == 4) }
    for _ in 0..<3 {
      let error = try #require(throws: DataError.self) { _ = try loader.next() }
      #expect(error.description == "numbered: sample \(faulty) is broken")
    }
  }

  @Test("the reading thread ends with its loader, whatever it was doing", arguments: [0, 1, 5])
  func end(batches: Int) throws {
    weak var dataset: NumberedDataset?
    do {
      let numbered = NumberedDataset(count: 100)
      dataset = numbered
      let loader = try BatchLoaderTests.loader(numbered, batch: 4)
      for _ in 0..<batches { _ = try loader.next() }
    }
    #expect(eventually { dataset == nil })
  }
}
