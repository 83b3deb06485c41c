import QATTensor

/// The order in which an epoch visits the samples: a permutation that depends on the seed and the epoch alone, the same on every rank.
///
/// Fisher and Yates's shuffle, with number i of the key (seed, order, epoch) as the choice for place i. 4 bytes a sample.
public struct SampleOrder: Sendable {
  /// The epoch.
  public private(set) var epoch: Int
  private let seed: UInt64
  private var indices: [UInt32]

  /// The order of `epoch` over `count` samples.
  /// - Precondition: 0 ≤ count < 2³².
  public init(count: Int, seed: UInt64, epoch: Int) {
    precondition(count >= 0 && count < Int(UInt32.max), "an order holds 0 to 2^32 - 1 samples, not \(count)")
    self.seed = seed
    self.epoch = epoch
    indices = [UInt32](repeating: 0, count: count)
    shuffle(RandomKey(seed: seed, purpose: .order, epoch))
  }

  /// The first `count` samples of a permutation of `total` that is made for choosing, not for training: no epoch has this order.
  init(choosing count: Int, of total: Int, seed: UInt64) {
    precondition(0...total ~= count && total < Int(UInt32.max), "cannot choose \(count) of \(total) samples")
    self.seed = seed
    epoch = -1
    indices = [UInt32](repeating: 0, count: total)
    shuffle(RandomKey(seed: seed, purpose: .calibration))
    indices.removeLast(total - count)
  }

  /// Number of samples.
  public var count: Int { indices.count }

  /// The sample at `position` of the epoch.
  public subscript(position: Int) -> Int { Int(indices[position]) }

  /// Becomes the order of another epoch, in the same memory.
  mutating func move(toEpoch epoch: Int) {
    guard epoch != self.epoch else { return }
    self.epoch = epoch
    shuffle(RandomKey(seed: seed, purpose: .order, epoch))
  }

  private mutating func shuffle(_ key: RandomKey) {
    indices.withUnsafeMutableBufferPointer { indices in
      for place in indices.indices { indices[place] = UInt32(place) }
      for place in stride(from: indices.count - 1, to: 0, by: -1) { indices.swapAt(place, key.integer(below: place + 1, at: place)) }
    }
  }
}
