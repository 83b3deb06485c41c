import QATTensor

/// The random numbers of one parameter, addressed by element.
struct DrawStream {
  private let key: RandomKey

  init(seed: UInt64, name: String) {
    // FNV-1a of the name; `Hasher` would differ from process to process.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    key = RandomKey(seed: seed, purpose: .initialWeights, Int(hash >> 32), Int(hash & 0xffff_ffff))
  }

  /// Evenly in [−1, 1), a multiple of 2^−23.
  func uniform(at index: Int) -> Float { 2 * key.uniform(at: index) - 1 }

  /// Around 0 with variance 1: the centred sum of eight uniform numbers of 16 bits, scaled. It ends at ±4.9 and needs no logarithm, whose last bit
  /// depends on the C library.
  func normal(at index: Int) -> Float {
    let words = key.words(block: UInt32(truncatingIfNeeded: index))
    let halves = (words & 0xffff) &+ (words &>> 16)
    let sum = halves[0] &+ halves[1] &+ halves[2] &+ halves[3]
    // Each of the eight terms has the mean 65535/2 and the variance (2^32 − 1)/12; the sum's is 2/3 of 2^32.
    return (Float(sum) - 4 * 65535) * (0x1p-16 * 1.224_744_9)
  }
}
