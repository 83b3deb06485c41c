/// Ranges that quantiles of all values together give: `percentile` and `threesigma`. Source: NNCF 2.14, its offline collectors.
///
/// The values are swept several times, by all ranks together, rather than kept: the result is exact for any amount of data and any number of ranks.
struct QuantileRange: Sendable {
  private let layout: ObservedLayout
  private let kind: QuantizationConfiguration.RangeInitializer.Kind
  private var sweeps: QuantileSweeps
  /// `threesigma`: the medians, once they are known; then deviations from them are swept.
  private var medians: [Float]?
  /// The range, once all sweeps are done.
  private(set) var range: Extremes?

  /// The range that an initializer describes, still to be found.
  init(_ layout: ObservedLayout, _ initializer: QuantizationConfiguration.RangeInitializer) {
    self.layout = layout
    kind = initializer.kind
    let fractions = kind == .threeSigma ? [0.5] : [initializer.minimumPercentile / 100, initializer.maximumPercentile / 100]
    sweeps = QuantileSweeps(fractions, channels: layout.channels)
  }

  /// The range of values that are all in memory.
  static func range(
    of values: UnsafeBufferPointer<Float>, _ layout: ObservedLayout, _ initializer: QuantizationConfiguration.RangeInitializer
  ) -> Extremes {
    var search = QuantileRange(layout, initializer)
    while true {
      search.observe(values)
      search.endSweep()
      if let range = search.range { return range }
    }
  }

  /// Counts values, all of them finite, in this sweep.
  mutating func observe(_ values: UnsafeBufferPointer<Float>) {
    switch (kind, medians) {
    case (.threeSigma, nil):
      // Zeros, as ReLU makes them, would hide where the other values lie.
      layout.forEachPiece(of: values) { channel, piece in sweeps.count(piece, channel: channel) { abs($0) < .ulpOfOne ? nil : $0 } }
    case (.threeSigma, let medians?):
      layout.forEachPiece(of: values) { channel, piece in
        let median = medians[channel]
        sweeps.count(piece, channel: channel) { abs($0 - median) }
      }
    default:
      layout.forEachPiece(of: values) { channel, piece in sweeps.count(piece, channel: channel) { $0 } }
    }
  }

  /// Lends the sweep's counts to whoever adds those of other ranks.
  mutating func withCounts(_ body: (UnsafeMutableBufferPointer<Int64>) throws -> Void) rethrows { try sweeps.withCounts(body) }

  /// Draws what follows from the counts of all ranks; then either `range` is known or another sweep is needed.
  mutating func endSweep() {
    sweeps.endSweep()
    guard let quantiles = sweeps.quantiles else { return }
    if kind != .threeSigma {
      range = Extremes(minimum: quantiles.map { $0[0] }, maximum: quantiles.map { $0[1] })
    } else if let medians {
      // 1.4826230: what makes the median deviation of a normal distribution its standard deviation.
      let ends = zip(medians, quantiles).map { (median: Double($0), reach: 3 * 1.4826230 * $1[0]) }
      range = Extremes(minimum: ends.map { $0.median - $0.reach }, maximum: ends.map { $0.median + $0.reach })
    } else {
      medians = quantiles.map { Float($0[0]) }
      sweeps = QuantileSweeps([0.5], channels: layout.channels)
    }
  }
}
