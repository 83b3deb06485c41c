/// SplitMix64: the same numbers on every machine. Source: Steele, Lea and Flood 2014.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension [UInt8] {
  /// The bytes with a few faults: changed, removed, inserted or repeated bytes, or an early end.
  func mutated(using random: inout SeededGenerator) -> [UInt8] {
    var result = self
    for _ in 0..<Int.random(in: 1...4, using: &random) where !result.isEmpty {
      let position = Int.random(in: result.indices, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: result.removeLast(result.count - position)
      case 1: result.remove(at: position)
      case 2: result.insert(.random(in: 0...255, using: &random), at: position)
      case 3: result[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
      case 4: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 5:
        let end = Swift.min(position + .random(in: 1...16, using: &random), result.count)
        result.insert(contentsOf: result[position..<end], at: position)
      default: result[position] = .random(in: 0...255, using: &random)
      }
    }
    return result
  }
}
