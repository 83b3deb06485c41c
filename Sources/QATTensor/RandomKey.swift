/// A stream of random numbers without state: the number at an index is a function of (seed, purpose, a, b) and the index alone.
///
/// So a sample's augmentation, a layer's dropout mask or an epoch's order is the same on every rank and thread and after every resume, and nothing has to be
/// saved. Streams of different keys never share a number's inputs: the four 32-bit words of the counter are (block, a, b, purpose), the 64-bit key is the seed.
///
/// Generator: Philox4x32-10. Reference: "Parallel Random Numbers: As Easy as 1, 2, 3", J. K. Salmon et al., SC 2011.
public struct RandomKey: Sendable, Hashable {
  /// What the numbers are for. The raw values are part of what a seed means: never renumber.
  public enum Purpose: UInt32, Sendable, Hashable, CaseIterable {
    /// The order of samples in an epoch: a = epoch.
    case order = 1
    /// Flips and crops: a = epoch, b = sample.
    case augmentation = 2
    /// The choice of samples that initialise quantizers and statistics.
    case calibration = 3
    /// Contents of the synthetic data set.
    case syntheticData = 4
    /// Initial weights: a = number of the parameter.
    case initialWeights = 5
    /// Dropout masks: a = step, b = number of the node.
    case dropout = 6
    /// Signs that probe the curvature of a loss: a = number of the probe, b = number of the weight.
    case curvature = 7
    /// Pairs of samples that are mixed: a = epoch, b = position of the first of the pair.
    case mixing = 8
  }

  /// The seed of the run.
  public let seed: UInt64
  /// What the numbers are for.
  public let purpose: Purpose
  /// The first coordinate, such as the epoch.
  public let a: UInt32
  /// The second coordinate, such as the sample.
  public let b: UInt32

  /// The key of a stream of 2³⁴ words.
  /// - Precondition: `a` and `b` are in 0..<2³².
  @inlinable
  public init(seed: UInt64, purpose: Purpose, _ a: Int = 0, _ b: Int = 0) {
    precondition(
      UInt32(exactly: a) != nil && UInt32(exactly: b) != nil, "the coordinates of a random key are whole numbers below 2^32, not \(a) and \(b)")
    self.seed = seed
    self.purpose = purpose
    self.a = UInt32(truncatingIfNeeded: a)
    self.b = UInt32(truncatingIfNeeded: b)
  }

  /// Four random words: numbers 4·`block` ..< 4·`block` + 4 of the stream.
  @inlinable
  public func words(block: UInt32) -> SIMD4<UInt32> {
    Philox.words(
      counter: SIMD4(block, a, b, purpose.rawValue),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// The words of eight blocks from `block` on: lane i of number j is number j of the words of block `block` + i.
  @inlinable
  public func words(blocksFrom block: UInt32) -> (SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>) {
    let blocks = SIMD8<UInt32>(repeating: block) &+ SIMD8(0, 1, 2, 3, 4, 5, 6, 7)
    return Philox.words(
      counters: (blocks, SIMD8(repeating: a), SIMD8(repeating: b), SIMD8(repeating: purpose.rawValue)),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// Random word number `index`, uniform in 0..<2³².
  @inlinable
  public func word(at index: Int) -> UInt32 {
    words(block: UInt32(index >> 2))[index & 3]
  }

  /// Random number `index`, uniform in [0, 1): one of 2²⁴ equally spaced values, so 1 − it is exact as well.
  @inlinable
  public func uniform(at index: Int) -> Float {
    Float(word(at: index) >> 8) * 0x1p-24
  }

  /// Whole number `index`, uniform in 0..<`bound`. Made of words 2·`index` and 2·`index` + 1; no value is more likely than another by more than `bound`/2⁶⁴.
  /// - Precondition: `bound` > 0.
  @inlinable
  public func integer(below bound: Int, at index: Int) -> Int {
    precondition(bound > 0, "there is no whole number in 0..<\(bound)")
    let four = words(block: UInt32(index >> 1))
    let (low, high) = index & 1 == 0 ? (four[0], four[1]) : (four[2], four[3])
    return Int(truncatingIfNeeded: (UInt64(high) << 32 | UInt64(low)).multipliedFullWidth(by: UInt64(bound)).high)
  }
}

/// The block function of Philox4x32 with 10 rounds.
public enum Philox {
  /// Encrypts `counter` under `key`.
  @inlinable
  public static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (x0, x1, x2, x3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let p0 = UInt64(x0) &* 0xD251_1F53
      let p1 = UInt64(x2) &* 0xCD9E_8D57
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return SIMD4(x0, x1, x2, x3)
  }

  /// Encrypts eight counters under `key`, lane by lane as the other function does one.
  @inlinable
  public static func words(
    counters: (SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>), key: SIMD2<UInt32>
  ) -> (SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>) {
    // Words of 32 bits in lanes of 64, whose products vector instructions know where it is plain to see that the upper halves are 0.
    func wide(_ words: SIMD8<UInt32>) -> SIMD8<UInt64> { SIMD8<UInt64>(truncatingIfNeeded: words) }
    let low = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
    var (x0, x1, x2, x3) = (wide(counters.0), wide(counters.1), wide(counters.2), wide(counters.3))
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let p0 = (x0 & low) &* SIMD8(repeating: 0xD251_1F53)
      let p1 = (x2 & low) &* SIMD8(repeating: 0xCD9E_8D57)
      (x0, x1, x2, x3) = (
        (p1 &>> SIMD8(repeating: 32)) ^ x1 ^ SIMD8(repeating: UInt64(k0)), p1 & low,
        (p0 &>> SIMD8(repeating: 32)) ^ x3 ^ SIMD8(repeating: UInt64(k1)), p0 & low
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (
      SIMD8(truncatingIfNeeded: x0), SIMD8(truncatingIfNeeded: x1), SIMD8(truncatingIfNeeded: x2), SIMD8(truncatingIfNeeded: x3)
    )
  }
}
