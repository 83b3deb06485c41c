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

  /// Numbers evenly in [−1, 1), multiples of 2^−23, each times `factor`.
  func uniform(_ count: Int, times factor: Float) -> [Float] {
    drawn(count, perBlock: 4) { words, numbers in
      func scaled(_ words: SIMD8<UInt32>) -> SIMD8<Float> {
        factor * (2 * (SIMD8<Float>(SIMD8<Int32>(truncatingIfNeeded: words &>> 8)) * 0x1p-24) - 1)
      }
      let (a, b, c, d) = (scaled(words.0), scaled(words.1), scaled(words.2), scaled(words.3))
      for lane in 0..<8 {
        numbers[4 * lane] = a[lane]
        numbers[4 * lane + 1] = b[lane]
        numbers[4 * lane + 2] = c[lane]
        numbers[4 * lane + 3] = d[lane]
      }
    }
  }

  /// Numbers around 0 with variance 1, each times `factor`: the centred sum of eight uniform numbers of 16 bits, scaled. It ends at ±4.9 and needs no
  /// logarithm, whose last bit depends on the C library.
  func normal(_ count: Int, times factor: Float) -> [Float] {
    drawn(count, perBlock: 1) { words, numbers in
      func halves(_ words: SIMD8<UInt32>) -> SIMD8<UInt32> { (words & 0xffff) &+ (words &>> 16) }
      let sums = halves(words.0) &+ halves(words.1) &+ halves(words.2) &+ halves(words.3)
      // Each of the eight terms has the mean 65535/2 and the variance (2^32 − 1)/12; the sum's is 2/3 of 2^32. Sums fit 20 bits.
      let centred = SIMD8<Float>(SIMD8<Int32>(truncatingIfNeeded: sums)) - 4 * 65535
      let scaled = factor * (centred * (0x1p-16 * 1.224_744_9))
      for lane in 0..<8 { numbers[lane] = scaled[lane] }
    }
  }

  /// Numbers that `make` makes of the words of eight blocks at a time, `perBlock` of each.
  private func drawn(
    _ count: Int, perBlock: Int,
    _ make: ((SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>), UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: (count + 8 * perBlock - 1) / (8 * perBlock) * 8 * perBlock) { numbers, initialized in
      initialized = count
      guard let first = numbers.baseAddress else { return }
      for start in stride(from: 0, to: count, by: 8 * perBlock) {
        make(key.words(blocksFrom: UInt32(truncatingIfNeeded: start / perBlock)), first + start)
      }
    }
  }
}
