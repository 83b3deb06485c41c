import Foundation
import QATTensor

/// Images made by a formula: each class has its own waves, each sample its own brightness, contrast and noise. Easy to learn, not trivial, no file needed.
///
/// Pixel (c, y, x) of a sample of class k is 1/2 + contrast · vertical(k, c, y) · horizontal(k, c, x) + noise, cut to [0, 1]: products of sines whose
/// frequencies and phases belong to the class.
public struct SyntheticDataset: ImageDataset {
  /// What `openDataset` would be asked for.
  public let name: String
  /// Number of samples.
  public let count: Int
  /// Shape of a sample: [channels, height, width].
  public let sampleShape: [Int]
  /// Number of classes.
  public let classCount: Int
  private let seed: UInt64
  private let split: Split
  /// sin values: for each class and channel, `height` vertical ones, then `width` horizontal ones.
  private let waves: [Float]
  /// Noise shared by all samples, each row of each sample begins elsewhere in it.
  private let noise: [Float]

  private static let noiseCount = 1 << 16

  /// A data set of `count` samples of `sampleShape`, [channels, height, width]. Both splits show the same classes in different samples.
  /// - Precondition: all sizes are positive.
  public init(sampleShape: [Int], classCount: Int, count: Int, split: Split = .train, seed: UInt64 = 0) {
    precondition(
      sampleShape.count == 3 && sampleShape.allSatisfy { $0 > 0 } && classCount > 0 && count > 0, "sizes of a synthetic data set are positive")
    name = "synthetic:\(sampleShape.map(String.init).joined(separator: ",")),\(classCount),\(count)"
    self.count = count
    self.sampleShape = sampleShape
    self.classCount = classCount
    self.seed = seed
    self.split = split
    let key = RandomKey(seed: seed, purpose: .syntheticData, 0, 0)
    var waves: [Float] = []
    waves.reserveCapacity(classCount * sampleShape[0] * (sampleShape[1] + sampleShape[2]))
    for (number, length) in (0..<classCount * sampleShape[0]).flatMap({ [(2 * $0, sampleShape[1]), (2 * $0 + 1, sampleShape[2])] }) {
      let frequency = 0.5 + 3.5 * Double(key.uniform(at: 2 * number))
      let phase = Double(key.uniform(at: 2 * number + 1))
      for place in 0..<length { waves.append(Float(sin(2 * .pi * (frequency * Double(place) / Double(length) + phase)))) }
    }
    self.waves = waves
    let noiseKey = RandomKey(seed: seed, purpose: .syntheticData, 1, 0)
    noise = (0..<Self.noiseCount + sampleShape[2]).map { 0.4 * (noiseKey.uniform(at: $0) - 0.5) }
  }

  /// The key of a sample: classes and noise use a = 0 and 1.
  private func key(of index: Int) -> RandomKey { RandomKey(seed: seed, purpose: .syntheticData, split == .train ? 2 : 3, index) }

  /// The class of sample `index`.
  public func label(at index: Int) -> Int32 { Int32(key(of: index).integer(below: classCount, at: 0)) }

  /// Writes the pixels of sample `index`, in [0, 1].
  public func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) {
    let (channels, height, width) = (sampleShape[0], sampleShape[1], sampleShape[2])
    precondition((0..<count).contains(index) && pixels.count == channels * height * width, "sample \(index) of \(count), \(pixels.count) pixels")
    let key = key(of: index)
    let (kind, brightness, contrast) = (Int(label(at: index)), 0.4 + 0.2 * key.uniform(at: 2), 0.15 + 0.25 * key.uniform(at: 3))
    waves.withUnsafeBufferPointer { waves in
      noise.withUnsafeBufferPointer { noise in
        for channel in 0..<channels {
          let wave = (kind * channels + channel) * (height + width)
          for row in 0..<height {
            let line = (channel * height + row) * width
            let amplitude = contrast * waves[wave + row]
            let grain = key.integer(below: Self.noiseCount, at: 2 + channel * height + row)
            for column in 0..<width {
              pixels[line + column] = min(max(brightness + amplitude * waves[wave + height + column] + noise[grain + column], 0), 1)
            }
          }
        }
      }
    }
  }

  /// A fingerprint of pixels, labels and shape.
  public var contentHash: UInt64 {
    var state = RandomKey(seed: seed, purpose: .syntheticData, split == .train ? 2 : 3, 0).words(block: 0)
    for number in sampleShape + [classCount, count] {
      state = Philox.words(counter: state ^ SIMD4(repeating: UInt32(truncatingIfNeeded: number)), key: SIMD2(1, 2))
    }
    return UInt64(state[0]) << 32 | UInt64(state[1])
  }
}
