import Foundation
import QATTensor

/// Mixes the samples of a micro-batch in pairs: the first with the last, the second with the one before, and so on; the order of an epoch is random already. A
/// sample in the middle of an odd number stays as it is.
///
/// Both of a pair become mixtures, one with the share λ of itself, the other likewise, where λ is drawn from Beta(α, α) for the pair. Mixup: pixels and targets are
/// averaged with weights λ and 1 − λ. CutMix: a rectangle of the area 1 − λ at a random place, cut off at the border, is exchanged, and targets are averaged by the
/// areas. Where both are on, each has half of the pairs.
///
/// What happens to a pair depends on (seed, epoch, position of its first sample) and the size of micro-batches alone, not on ranks or threads.
/// References: Zhang et al. 2017, "mixup: Beyond Empirical Risk Minimization", arXiv:1710.09412; Yun et al. 2019, "CutMix", arXiv:1905.04899.
public struct SampleMixing: Sendable, Hashable {
  /// α of mixup; 0 for none.
  public var mixup: Double
  /// α of CutMix; 0 for none.
  public var cutmix: Double

  /// A mixing; nil when both are 0.
  public init?(mixup: Double, cutmix: Double) {
    guard mixup > 0 || cutmix > 0 else { return nil }
    self.mixup = mixup
    self.cutmix = cutmix
  }

  /// Mixes a whole batch of images.
  func apply(to slot: BatchSlot, seed: UInt64, shapes: [[Int]]) {
    for first in 0..<slot.count / 2 {
      let last = slot.count - 1 - first
      let key = RandomKey(seed: seed, purpose: .mixing, slot.epoch, slot.firstSample + first)
      let cuts = cutmix > 0 && (mixup == 0 || key.uniform(at: 0) < 0.5)
      var share = Self.beta(cuts ? cutmix : mixup, key)
      for (input, shape) in shapes.enumerated() {
        let (one, other) = (slot.input(input, ofSample: first), slot.input(input, ofSample: last))
        if cuts { share = Self.exchange(one, other, shape, share, key) } else { Self.average(one, other, share) }
      }
      Self.average(slot.numbers(ofSample: first), slot.numbers(ofSample: last), share)
    }
  }

  private static func average(_ one: UnsafeMutableBufferPointer<Float>, _ other: UnsafeMutableBufferPointer<Float>, _ share: Double) {
    let (share, rest) = (Float(share), Float(1 - share))
    for index in one.indices {
      let (a, b) = (one[index], other[index])
      one[index] = share * a + rest * b
      other[index] = share * b + rest * a
    }
  }

  /// Exchanges a rectangle.
  /// - Returns: the share of each image that stayed.
  private static func exchange(
    _ one: UnsafeMutableBufferPointer<Float>, _ other: UnsafeMutableBufferPointer<Float>, _ shape: [Int], _ share: Double, _ key: RandomKey
  ) -> Double {
    let (channels, height, width) = (shape[0], shape[1], shape[2])
    let side = (1 - share).squareRoot()
    func range(_ length: Int, _ index: Int) -> Range<Int> {
      let (centre, size) = (key.integer(below: length, at: index), Int(side * Double(length)))
      let start = max(0, centre - size / 2)
      return start..<max(start, min(length, centre - size / 2 + size))
    }
    let (rows, columns) = (range(height, 1), range(width, 2))
    for channel in 0..<channels {
      for row in rows {
        let line = (channel * height + row) * width
        for index in line + columns.lowerBound..<line + columns.upperBound {
          let kept = one[index]
          one[index] = other[index]
          other[index] = kept
        }
      }
    }
    return 1 - Double(rows.count * columns.count) / Double(height * width)
  }

  /// A number from Beta(α, α), as the share of one of two numbers from Gamma(α). Takes the key's numbers from 16 on.
  static func beta(_ alpha: Double, _ key: RandomKey) -> Double {
    var next = 16
    let (one, other) = (gamma(alpha, key, &next), gamma(alpha, key, &next))
    let sum = one + other
    return sum > 0 ? one / sum : 0.5
  }

  /// A number from Gamma(shape, 1). Source: Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"; below 1 by its note on U^(1/α).
  private static func gamma(_ shape: Double, _ key: RandomKey, _ next: inout Int) -> Double {
    func uniform() -> Double {
      defer { next += 1 }
      // Never 0, whose logarithm would be infinite.
      return (Double(key.word(at: next)) + 0.5) * 0x1p-32
    }
    let boost = shape < 1 ? pow(uniform(), 1 / shape) : 1
    let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      // Box and Muller's normal number.
      let x = (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      let u = uniform()
      if v > 0, log(u) < 0.5 * x * x + d - d * v + d * log(v) { return boost * d * v }
      if next > 1 << 16 { return boost * d }
    }
  }
}
