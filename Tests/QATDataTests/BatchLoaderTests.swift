import Foundation
import QATData
import QATTensor
import Testing

@Suite("Training batches")
struct BatchLoaderTests {
  static func loader(
    _ dataset: any Dataset, batch: Int, rank: Int = 0, size: Int = 1, epoch: Int = 0, position: Int = 0, preprocessing: Preprocessing = .init()
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset: dataset, preprocessing: preprocessing, seed: 7,
      partition: BatchPartition(microBatchSize: batch / size, rank: rank, rankCount: size), startEpoch: epoch, startPosition: position)
  }

  @Test("batches follow the epoch's order, whole ones only, epoch after epoch")
  func order() throws {
    let loader = try Self.loader(NumberedDataset(count: 23), batch: 5)
    #expect(loader.batchesPerEpoch == 4 && loader.droppedPerEpoch == 3)
    for epoch in 0..<3 {
      let order = SampleOrder(count: 23, seed: 7, epoch: epoch)
      for step in 0..<4 {
        let batch = try loader.next()
        let expected = (0..<5).map { order[5 * step + $0] }
        #expect(batch.numbers == expected)
        #expect(Array(batch.labels) == expected.map { Int32($0 % 10) })
        #expect(batch.epoch == epoch && batch.position == 5 * step && batch.isLastOfEpoch == (step == 3))
        #expect(batch.next == (step == 3 ? DataPosition(epoch: epoch + 1, position: 0) : DataPosition(epoch: epoch, position: 5 * step + 5)))
      }
    }
  }

  @Test("rank r takes the positions from r·B/size to (r+1)·B/size of every batch", arguments: [1, 2, 3, 4, 6, 12])
  func shards(size: Int) throws {
    let dataset = NumberedDataset(count: 50)
    let whole = try Self.loader(dataset, batch: 12)
    let ranks = try (0..<size).map { try Self.loader(dataset, batch: 12, rank: $0, size: size) }
    for _ in 0..<9 {
      let all = try whole.next().numbers
      let parts = try ranks.map { try $0.next().numbers }
      #expect(parts.allSatisfy { $0.count == 12 / size })
      #expect(parts.flatMap { $0 } == all)
    }
  }

  @Test(
    "the micro-batches of all ranks are the global batch, for every number of ranks",
    arguments: [(nil, 2, 3), (8, 1, 1), (8, 1, 3), (8, 1, 5), (6, 1, 4), (4, 3, 3), (3, 2, 3)] as [(Int?, Int, Int)])
  func microBatches(shards: Int?, steps: Int, size: Int) throws {
    let dataset = NumberedDataset(count: 100)
    func partition(_ rank: Int) -> BatchPartition {
      BatchPartition(microBatchSize: 2, shardCount: shards, accumulationSteps: steps, rank: rank, rankCount: size)
    }
    let global = partition(0).globalBatchSize
    #expect(global == 2 * steps * (shards ?? size))
    let whole = try Self.loader(dataset, batch: global)
    let ranks = try (0..<size).map {
      try BatchLoader(dataset: dataset, preprocessing: Preprocessing(), seed: 7, partition: partition($0))
    }
    for _ in 0..<9 {
      let all = try whole.next()
      var found: [Int] = []
      for rank in 0..<size {
        for _ in partition(rank).microBatches {
          let batch = try ranks[rank].next()
          #expect(batch.position == all.position && batch.next == all.next && batch.firstSample == all.position + found.count)
          found += batch.numbers
        }
      }
      #expect(found == all.numbers)
    }
  }

  @Test("starting at a position equals not having stopped, with the same or another number of ranks", arguments: 0..<12, [1, 2])
  func resume(stop: Int, size: Int) throws {
    let dataset = try openDataset("synthetic:2,5,4,3,21", split: .train)
    let preprocessing = Preprocessing(mean: [0.4], std: [0.2], flip: true, cropPadding: 2)
    let whole = try Self.loader(dataset, batch: 4, preprocessing: preprocessing)
    var at = DataPosition(epoch: 0, position: 0)
    for _ in 0..<stop { at = try whole.next().next }
    let resumed = try (0..<size).map {
      try Self.loader(dataset, batch: 4, rank: $0, size: size, epoch: at.epoch, position: at.position, preprocessing: preprocessing)
    }
    for _ in 0..<7 {
      let expected = try whole.next()
      let parts = try resumed.map { try $0.next() }
      #expect(parts.flatMap { Array($0.pixels) } == Array(expected.pixels))
      #expect(parts.flatMap { Array($0.labels) } == Array(expected.labels))
      #expect(parts.allSatisfy { $0.next == expected.next && $0.position == expected.position })
    }
  }

  @Test("where less than a batch is left, the next epoch begins", arguments: [18, 20, 23])
  func tail(position: Int) throws {
    let batch = try Self.loader(NumberedDataset(count: 23), batch: 6, epoch: 2, position: position).next()
    #expect(batch.epoch == 3 && batch.position == 0)
  }

  @Test("a sample is augmented by its number and the epoch alone, differently in every epoch")
  func augmentation() throws {
    let dataset = try openDataset("synthetic:1,12,12,3,8", split: .train)
    let preprocessing = Preprocessing(flip: true, cropPadding: 3)
    let loader = try Self.loader(dataset, batch: 8, preprocessing: preprocessing)
    var variants = Set<[Float]>()
    for epoch in 0..<4 {
      let (batch, order) = (try loader.next(), SampleOrder(count: 8, seed: 7, epoch: epoch))
      for place in 0..<8 {
        let key = RandomKey(seed: 7, purpose: .augmentation, epoch, order[place])
        let pixels = Array(batch.pixels[144 * place..<144 * (place + 1)])
        #expect(try pixels == preprocessing.applied(to: dataset.pixels(of: order[place]), shape: [1, 12, 12], key))
        if order[place] == 0 { variants.insert(pixels) }
      }
    }
    #expect(variants.count > 1)
  }

  @Test("without augmentation samples are normalised and nothing else")
  func plain() throws {
    let loader = try BatchLoader(
      dataset: NumberedDataset(count: 4), preprocessing: Preprocessing(mean: [1], std: [2], flip: true, cropPadding: 1), seed: 7,
      partition: BatchPartition(microBatchSize: 4), augment: false)
    let order = SampleOrder(count: 4, seed: 7, epoch: 0)
    #expect(try Array(loader.next().pixels) == (0..<4).flatMap { [Float](repeating: (Float(order[$0]) - 1) / 2, count: 4) })
  }

  @Test(
    "sizes that do not go together are refused", arguments: [(24, 1, 0, 0), (24, 2, 0, 0), (4, 1, -1, 0), (4, 1, 0, 24)])
  func refused(batch: Int, size: Int, epoch: Int, position: Int) {
    #expect(throws: DataError.self) { try Self.loader(NumberedDataset(count: 23), batch: batch, size: size, epoch: epoch, position: position) }
  }
}

extension Preprocessing {
  func applied(to pixels: [Float], shape: [Int], _ key: RandomKey?) -> [Float] {
    var result = [Float](repeating: .nan, count: pixels.count)
    let size = ImageSize(height: shape[1], width: shape[2])
    pixels.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer {
        apply(source, channels: shape[0], size: size, augmentKey: key, workspace: ImageWorkspace(), into: $0)
      }
    }
    return result
  }
}
