import Foundation

/// An axis from one round number to another, with round numbers between.
struct AxisScale {
  let ticks: [Double]
  let low: Double
  let high: Double
  private let step: Double

  /// An axis for values.
  /// - Parameters:
  ///   - values: what it is to hold; what is not finite is passed over.
  ///   - count: about how many ticks.
  ///   - endsAtValues: whether the axis ends where the values do, with ticks inside.
  init(_ values: some Sequence<Double>, ticks count: Int, endsAtValues: Bool = false) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
    if !(low <= high) { (low, high) = (0, 1) }
    // Equal values stand in the middle.
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300) {
      let margin = low == 0 ? 1 : abs(low) / 2
      (low, high) = (low - margin, high + margin)
    }
    let step = Self.round((high - low) / Double(max(count, 1)))
    let (first, last) =
      endsAtValues ? ((low / step).rounded(.up), (high / step).rounded(.down)) : ((low / step).rounded(.down), (high / step).rounded(.up))
    self.step = step
    ticks = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
    (self.low, self.high) = endsAtValues ? (low, high) : (first * step, last * step)
  }

  /// Where a value lies between the ends, from 0 to 1.
  func place(_ value: Double) -> Double { (value - low) / (high - low) }

  /// A tick in as few digits as tell it from its neighbours.
  func label(_ tick: Double) -> String {
    let largest = max(abs(low), abs(high))
    if largest >= 1e6 || largest < 1e-3 { return tick == 0 ? "0" : String(format: "%.3g", locale: Locale(identifier: "en_US_POSIX"), tick) }
    return Numbers.fixed(tick == 0 ? 0 : tick, max(0, -Int(log10(step * 1.0001).rounded(.down))))
  }

  /// 1, 2 or 5 times a power of ten, not below the width.
  private static func round(_ width: Double) -> Double {
    let power = pow(10, log10(width).rounded(.down))
    return ([1, 2, 5, 10].first { $0 * power >= width * 0.999_999 } ?? 10) * power
  }
}
