import QATTensor
import Testing

@Suite("Random keys")
struct RandomKeyTests {
  /// The vectors published with the Random123 library (kat_vectors, philox4x32 10).
  @Test(
    "Philox4x32-10 gives the published vectors",
    arguments: [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt32], [UInt32], [UInt32])])
  func knownAnswers(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
    #expect(Philox.words(counter: SIMD4(counter), key: SIMD2(key)) == SIMD4(expected))
  }

  @Test("the seed is the key, low word first, and (block, a, b, purpose) the counter")
  func layout() {
    let key = RandomKey(seed: 0x299f_31d0_a409_3822, purpose: .augmentation, 7, 9)
    let expected = Philox.words(counter: SIMD4(5, 7, 9, 2), key: SIMD2(0xa409_3822, 0x299f_31d0))
    #expect(key.words(block: 5) == expected)
    #expect((0..<4).map { key.word(at: 20 + $0) } == (0..<4).map { expected[$0] })
  }

  @Test("eight blocks at once are eight blocks, also where their numbers begin again", arguments: [0, 5, 1 << 20, UInt32.max - 3])
  func eightBlocks(first: UInt32) {
    let key = RandomKey(seed: 0x299f_31d0_a409_3822, purpose: .initialWeights, 7, 0xffff_ffff)
    let words = key.words(blocksFrom: first)
    for lane in 0..<8 {
      #expect(SIMD4(words.0[lane], words.1[lane], words.2[lane], words.3[lane]) == key.words(block: first &+ UInt32(lane)))
    }
  }

  @Test("raw values of the purposes stay what they are")
  func purposes() {
    #expect(RandomKey.Purpose.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(RandomKey.Purpose.order.rawValue == 1 && RandomKey.Purpose.dropout.rawValue == 6)
  }

  @Test("each of seed, purpose and the two coordinates changes the stream")
  func independence() {
    let keys = [
      RandomKey(seed: 1, purpose: .order, 2, 3), RandomKey(seed: 2, purpose: .order, 2, 3), RandomKey(seed: 1 << 32 | 1, purpose: .order, 2, 3),
      RandomKey(seed: 1, purpose: .dropout, 2, 3), RandomKey(seed: 1, purpose: .order, 3, 2), RandomKey(seed: 1, purpose: .order, 2, 4),
    ]
    #expect(Set(keys.map { $0.words(block: 0) }).count == keys.count)
  }

  @Test("uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12")
  func uniform() {
    let key = RandomKey(seed: 11, purpose: .dropout)
    let values = (0..<20_000).map { Double(key.uniform(at: $0)) }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(values.allSatisfy { (0..<1).contains($0) })
    #expect(abs(mean - 0.5) < 0.01)
    #expect(abs(variance - 1.0 / 12) < 0.003)
  }

  @Test("whole numbers are uniform below their bound", arguments: [1, 3, 10, 17])
  func integers(bound: Int) {
    let key = RandomKey(seed: 5, purpose: .order, 1)
    var counts = [Int](repeating: 0, count: bound)
    for index in 0..<(1000 * bound) { counts[key.integer(below: bound, at: index)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 1000) < 160 })  // five standard deviations
  }

  @Test("normal numbers have mean 0, variance 1 and the normal share within one standard deviation")
  func normal() {
    let key = RandomKey(seed: 3, purpose: .initialWeights, 4)
    let values = (0..<20_000).map { key.normal(at: $0) }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    let within = Double(values.count { abs($0) < 1 }) / Double(values.count)
    #expect(abs(mean) < 0.035)
    #expect(abs(variance - 1) < 0.05)
    #expect(abs(within - 0.6827) < 0.02)
  }
}
