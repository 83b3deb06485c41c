import QATData
import Testing

@Suite("The synthetic data set")
struct SyntheticDatasetTests {
  @Test("its sizes are those asked for")
  func sizes() throws {
    let asked = try openDataset("synthetic:3,8,6,5,40", split: .test)
    #expect(asked.count == 40 && asked.sampleShape == [3, 8, 6] && asked.classCount == 5)
    let usual = try (openDataset("synthetic", split: .train), openDataset("synthetic", split: .test))
    #expect(usual.0.count == 6000 && usual.1.count == 1000 && usual.0.sampleShape == [1, 28, 28] && usual.0.classCount == 10)
  }

  @Test(
    "what is no list of five sizes is refused",
    arguments: [
      "synthetic:", "synthetic:1,28,28,10", "synthetic:1,28,28,10,0", "synthetic:1,28,28,ten,5", "synthetic:1,28,28,10,100,7",
      "synthetic:1,-28,28,10,100", "synthetic:4096,65536,65536,2,2", "synthetic:3,65536,1,1048576,9", "synthetic:1,28,28,10,99999999999999999999",
    ])
  func refused(specification: String) throws {
    let error = try #require(throws: DataError.self) { try openDataset(specification, split: .train) }
    #expect(error.description.hasPrefix(specification + ": "))
  }

  @Test("the same seed gives the same samples; another seed or split others")
  func seeds() throws {
    func pixels(_ split: Split, _ seed: UInt64) throws -> [Float] {
      try SyntheticDataset(sampleShape: [1, 5, 5], classCount: 3, count: 9, split: split, seed: seed).pixels(of: 4)
    }
    #expect(try pixels(.train, 1) == pixels(.train, 1))
    #expect(try Set([pixels(.train, 1), pixels(.train, 2), pixels(.test, 1)]).count == 3)
    let hashes = [(Split.train, 1), (.test, 1), (.train, 2)].map {
      SyntheticDataset(sampleShape: [1, 5, 5], classCount: 3, count: 9, split: $0.0, seed: $0.1).contentHash
    }
    #expect(Set(hashes).count == 3)
  }

  @Test("pixels lie in [0, 1], labels in their range, all classes occur about equally often")
  func ranges() throws {
    let dataset = try openDataset("synthetic:2,9,7,4,800", split: .train)
    var counts = [0, 0, 0, 0]
    for index in 0..<800 { counts[Int(dataset.label(at: index))] += 1 }
    #expect(counts.allSatisfy { abs($0 - 200) < 65 })
    for index in 0..<50 { #expect(try dataset.pixels(of: index).allSatisfy { (0...1).contains($0) }) }
  }

  /// A classifier that compares with the classes' mean training images: what it can do, a network can learn.
  @Test("it can be learnt: the nearest class mean is right for most unseen samples, and the task is not trivial")
  func learnable() throws {
    let (train, test) = try (openDataset("synthetic:1,12,12,10,600", split: .train), openDataset("synthetic:1,12,12,10,200", split: .test))
    var (means, counts) = ([[Float]](repeating: [Float](repeating: 0, count: 144), count: 10), [Float](repeating: 0, count: 10))
    for index in 0..<train.count {
      let (kind, pixels) = (Int(train.label(at: index)), try train.pixels(of: index))
      counts[kind] += 1
      for place in 0..<144 { means[kind][place] += pixels[place] }
    }
    for kind in 0..<10 { for place in 0..<144 { means[kind][place] /= counts[kind] } }
    var right = 0
    for index in 0..<test.count {
      let pixels = try test.pixels(of: index)
      let distances = means.map { mean in zip(mean, pixels).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
      if distances.firstIndex(of: distances.min() ?? 0) == Int(test.label(at: index)) { right += 1 }
    }
    #expect(right > 140)
  }
}
