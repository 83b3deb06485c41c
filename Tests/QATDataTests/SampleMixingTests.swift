import Foundation
import QATTensor
import Testing

@testable import QATData

@Suite("Mixing samples")
struct SampleMixingTests {
  private func loader(
    _ mixing: SampleMixing?, _ dataset: any Dataset = NumberedDataset(count: 60, sampleShape: [2, 8, 6]), rank: Int = 0, size: Int = 1,
    workers: Int = 1
  ) throws -> BatchLoader {
    var options = LoadingOptions()
    (options.mixing, options.workers, options.classes) = (mixing, workers, ClassRule(classCount: 10))
    return try BatchLoader(
      dataset: dataset, preprocessing: Preprocessing(), seed: 3, partition: BatchPartition(microBatchSize: 5, rank: rank, rankCount: size),
      options: options)
  }

  private func numbers(_ batch: LoadedBatch) -> [Float] {
    if case .numbers(let numbers) = batch.targets.values { Array(numbers) } else { [] }
  }

  @Test("mixup averages pixels and shares of classes of a pair with the same weights; the middle of an odd number stays")
  func mixup() throws {
    let (plain, mixed) = (try loader(nil), try loader(SampleMixing(mixup: 0.8, cutmix: 0)))
    var shares: [Float] = []
    for _ in 0..<24 {
      let (before, after) = (try plain.next(), try mixed.next())
      let (samples, targets) = (before.numbers, numbers(after))
      #expect(targets.count == 50)
      for place in 0..<5 {
        let (own, other) = (Float(samples[place]), Float(samples[4 - place]))
        let pixels = Array(after.pixels[place * 96..<place * 96 + 96])
        #expect(Set(pixels).count == 1)
        let share = own == other ? 1 : (pixels[0] - other) / (own - other)
        #expect(share >= -1e-5 && share <= 1 + 1e-5)
        var expected = [Float](repeating: 0, count: 10)
        expected[samples[place] % 10] += share
        expected[samples[4 - place] % 10] += 1 - share
        #expect(zip(expected, targets[place * 10..<place * 10 + 10]).allSatisfy { abs($0 - $1) < 1e-4 })
        if place < 2 { shares.append(share) }
      }
      #expect(after.pixels[2 * 96] == Float(samples[2]))
    }
    #expect(Set(shares).count > 40)
  }

  @Test("CutMix exchanges a rectangle; the shares of classes are those of the areas")
  func cutmix() throws {
    let (plain, mixed) = (try loader(nil), try loader(SampleMixing(mixup: 0, cutmix: 1)))
    for _ in 0..<24 {
      let (before, after) = (try plain.next(), try mixed.next())
      let (samples, targets) = (before.numbers, numbers(after))
      for place in [0, 1, 3, 4] {
        let pixels = Array(after.pixels[place * 96..<place * 96 + 96])
        let foreign = pixels.indices.filter { pixels[$0] == Float(samples[4 - place]) }
        #expect(pixels.allSatisfy { $0 == Float(samples[place]) || $0 == Float(samples[4 - place]) })
        // The same rectangle in both channels.
        let (first, second) = (foreign.filter { $0 < 48 }, foreign.filter { $0 >= 48 })
        #expect(first == second.map { $0 - 48 })
        let (rows, columns) = (Set(first.map { $0 / 6 }), Set(first.map { $0 % 6 }))
        #expect(first.count == rows.count * columns.count)
        let share = 1 - Float(first.count) / 48
        var expected = [Float](repeating: 0, count: 10)
        expected[samples[place] % 10] += share
        expected[samples[4 - place] % 10] += 1 - share
        #expect(zip(expected, targets[place * 10..<place * 10 + 10]).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
  }

  @Test("a pair is mixed alike for every number of ranks and threads", arguments: [2, 3])
  func ranks(size: Int) throws {
    let mixing = SampleMixing(mixup: 0.4, cutmix: 0.7)
    let alone = try loader(mixing)
    let ranks = try (0..<size).map { try loader(mixing, rank: $0, size: size, workers: 3) }
    for _ in 0..<12 / size {
      for rank in ranks {
        let (expected, found) = (try alone.next(), try rank.next())
        #expect(Array(found.pixels) == Array(expected.pixels) && numbers(found) == numbers(expected) && found.firstSample == expected.firstSample)
      }
    }
  }

  @Test("λ has the mean and the variance of Beta(α, α)", arguments: [0.1, 0.4, 1, 2.5, 30])
  func beta(alpha: Double) {
    let values = (0..<20_000).map { SampleMixing.beta(alpha, RandomKey(seed: 5, purpose: .mixing, 1, $0)) }
    #expect(values.allSatisfy { (0...1).contains($0) })
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let expected = 1 / (4 * (2 * alpha + 1))
    // Five standard errors of the mean; the variance within five of a hundred.
    #expect(abs(mean - 0.5) < 5 * (expected / Double(values.count)).squareRoot())
    #expect(abs(variance / expected - 1) < 0.05)
  }

  private struct Tokens: Dataset {
    let name = "tokens", count = 20, contentHash: UInt64 = 1, inputs = [SampleInput("ids", .tensor([3]))], target = SampleTarget.none
    func read(_ index: Int, into sample: Sample) {}
  }

  @Test("what is no image cannot be mixed")
  func refused() throws {
    #expect { try loader(SampleMixing(mixup: 1, cutmix: 0), Tokens()) } throws: { "\($0)".contains("\"mixup\" and \"cutmix\" are for images") }
  }
}
