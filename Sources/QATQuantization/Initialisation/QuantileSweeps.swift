/// Finds quantiles of very many numbers without keeping them: three sweeps over the numbers, each of which counts them by the next bits of their place in
/// the order of all floats.
///
/// Counts of several ranks merge by addition. So the quantiles are exact, and the same for however many ranks shared the sweeps, in memory of 16 KiB a
/// channel in the first sweep and at most as much for each neighbour of a quantile in the others.
struct QuantileSweeps: Sendable {
  /// The leading bits that one sweep after the other settles.
  private static let digits = [11, 11, 10]

  /// The wanted quantiles: shares of the numbers, from 0 to 1.
  private let fractions: [Double]
  private var sweep = 0
  /// Amount of numbers in each channel, known after the first sweep.
  private var totals: [Int64]
  /// For each channel the two numbers around each quantile.
  private var targets: [[Target]]
  /// For each channel the heads that the sweep counts below, and the first of their rows in `counts`.
  private var heads: [[UInt32]]
  private var rows: [Int]
  /// How many numbers of each head have each value of the next bits. Ranks add theirs before `endSweep`.
  private(set) var counts: [Int64]

  /// A wanted number: its leading bits as far as they are known, and its place among the numbers that begin so.
  private struct Target: Sendable {
    var head: UInt32 = 0
    var place: Int64
  }

  /// The same quantiles of each of several channels.
  init(_ fractions: [Double], channels: Int) {
    self.fractions = fractions
    totals = Array(repeating: 0, count: channels)
    targets = Array(repeating: [], count: channels)
    heads = Array(repeating: [0], count: channels)
    rows = Array(0..<channels)
    counts = [Int64](repeating: 0, count: channels << Self.digits[0])
  }

  /// The quantiles of each channel, interpolated linearly between their two neighbours in sorted order; 0 where a channel has no numbers.
  /// Nil while sweeps are missing.
  var quantiles: [[Double]]? {
    guard sweep == Self.digits.count else { return nil }
    return targets.indices.map { channel in
      guard totals[channel] > 0 else { return fractions.map { _ in 0 } }
      return fractions.indices.map { index in
        let (low, high) = (Self.number(targets[channel][2 * index].head), Self.number(targets[channel][2 * index + 1].head))
        let place = position(fractions[index], channel)
        return Double(low) + (Double(high) - Double(low)) * (place - place.rounded(.down))
      }
    }
  }

  /// Counts numbers of one channel in this sweep.
  /// - Parameters:
  ///   - values: where the numbers come from.
  ///   - channel: theirs.
  ///   - number: the number of a value, not NaN; nil to pass it over.
  @inline(__always)
  mutating func count(_ values: UnsafeBufferPointer<Float>, channel: Int, _ number: (Float) -> Float?) {
    let width = Self.digits[sweep]
    let known = Self.digits[..<sweep].reduce(0, +)
    let shift = UInt32(32 - known - width)
    let mask = UInt32(1 << width - 1)
    let heads = heads[channel]
    let row = rows[channel]
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        guard let number = number(value) else { continue }
        let key = Self.key(number)
        let digit = Int(key >> shift & mask)
        if known == 0 {
          counts[row << width + digit] += 1
        } else {
          for index in heads.indices where heads[index] == key >> UInt32(32 - known) { counts[(row + index) << width + digit] += 1 }
        }
      }
    }
  }

  /// Lends the counts to whoever adds those of other ranks.
  mutating func withCounts(_ body: (UnsafeMutableBufferPointer<Int64>) throws -> Void) rethrows {
    try counts.withUnsafeMutableBufferPointer { try body($0) }
  }

  /// Draws what follows from the counts of all ranks, and prepares the next sweep.
  mutating func endSweep() {
    let width = Self.digits[sweep]
    for channel in targets.indices {
      if sweep == 0 {
        totals[channel] = counts[channel << width..<(channel + 1) << width].reduce(0, +)
        if totals[channel] > 0 {
          targets[channel] = fractions.flatMap { fraction in
            let place = Int64(position(fraction, channel))
            return [Target(place: place), Target(place: min(place + 1, totals[channel] - 1))]
          }
        }
      }
      for index in targets[channel].indices { settle(&targets[channel][index], channel, width) }
      heads[channel] = Set(targets[channel].map(\.head)).sorted()
    }
    sweep += 1
    var count = 0
    for channel in heads.indices {
      rows[channel] = count
      count += heads[channel].count
    }
    counts = sweep == Self.digits.count ? [] : [Int64](repeating: 0, count: count << Self.digits[sweep])
  }

  /// Where a quantile lies among the sorted numbers of a channel.
  private func position(_ fraction: Double, _ channel: Int) -> Double { fraction * Double(totals[channel] - 1) }

  /// Finds a target's next bits.
  private func settle(_ target: inout Target, _ channel: Int, _ width: Int) {
    let row = rows[channel] + (heads[channel].firstIndex(of: target.head) ?? 0)
    var digit = 0
    while target.place >= counts[row << width + digit] {
      target.place -= counts[row << width + digit]
      digit += 1
    }
    target.head = target.head << UInt32(width) | UInt32(digit)
  }

  /// A number's place in the order of all floats: the bit patterns of negative numbers count downwards.
  private static func key(_ number: Float) -> UInt32 {
    let bits = number.bitPattern
    return bits >> 31 == 0 ? bits | 1 << 31 : ~bits
  }

  private static func number(_ key: UInt32) -> Float { Float(bitPattern: key >> 31 == 0 ? ~key : key & ~(1 << 31)) }
}
