/// Ranges that are made of a few numbers of each batch: its extremes, its samples' extremes, or its percentiles.
///
/// A batch leaves one record of floats, a pair (minimum, maximum) for each of its `slots`: its samples, its channels, or one in all. Records are what
/// ranks exchange; they are folded in the order of the batches, so that the result does not depend on who computed which.
struct BatchExtremes: Sendable {
  private let layout: ObservedLayout
  private let initializer: QuantizationConfiguration.RangeInitializer
  private let batchSize: Int
  /// Whether maxima are of absolute values.
  private let isSymmetric: Bool
  /// One pair for each sample of the batch, for the means of `mixed_min_max`; else one for each channel.
  private let isPerSample: Bool

  /// - Precondition: the initializer's kind is one that looks at batches.
  init(_ layout: ObservedLayout, _ initializer: QuantizationConfiguration.RangeInitializer, isSymmetric: Bool, batchSize: Int) {
    self.layout = layout
    self.initializer = initializer
    self.batchSize = batchSize
    self.isSymmetric = isSymmetric
    isPerSample = initializer.kind == .mixedMinMax && layout.channels == 1
  }

  /// Floats in the record of one batch.
  var recordCount: Int { 2 * (isPerSample ? batchSize : layout.channels) }

  /// The record of one batch.
  /// - Parameters:
  ///   - values: of the whole batch.
  ///   - samples: how many of its first samples count.
  /// - Returns: (minimum, maximum) pairs; 0 for samples that do not count.
  func record(_ values: UnsafeBufferPointer<Float>, samples: Int) -> [Float] {
    var record = [Float](repeating: 0, count: recordCount)
    if isPerSample {
      for sample in 0..<samples {
        let found = extremes(layout.values(of: sample..<sample + 1, in: values))
        (record[2 * sample], record[2 * sample + 1]) = (Float(found.minimum[0]), Float(found.maximum[0]))
      }
      return record
    }
    let counted = layout.values(of: 0..<samples, in: values)
    let found = initializer.kind == .meanPercentile ? QuantileRange.range(of: counted, layout, initializer) : extremes(counted)
    for channel in 0..<layout.channels {
      (record[2 * channel], record[2 * channel + 1]) = (Float(found.minimum[channel]), Float(found.maximum[channel]))
    }
    return record
  }

  /// The smallest and the largest value of each channel, the largest by absolute value where the quantizer is symmetric.
  func extremes(_ values: UnsafeBufferPointer<Float>) -> Extremes {
    var result = Extremes(channels: layout.channels)
    layout.forEachPiece(of: values) { channel, values in
      var (low, high) = (Float.infinity, -Float.infinity)
      for value in values {
        low = value < low ? value : low
        let upper = isSymmetric ? abs(value) : value
        high = upper > high ? upper : high
      }
      result.minimum[channel] = min(result.minimum[channel], Double(low))
      result.maximum[channel] = max(result.maximum[channel], Double(high))
    }
    return result
  }

  /// The range that all batches together give. Source: NNCF 2.14, its collectors of minima and maxima.
  /// - Parameters:
  ///   - records: one a batch, in the order of the batches.
  ///   - samples: number of samples that count in each batch; batches with none are passed over.
  /// - Returns: the range.
  func fold(_ records: [ArraySlice<Float>], samples: [Int]) -> Extremes {
    var extremes = Extremes(channels: layout.channels)
    var sums = Extremes(minimum: Array(repeating: 0, count: layout.channels), maximum: Array(repeating: 0, count: layout.channels))
    var count = 0
    for (record, samples) in zip(records, samples) where samples > 0 {
      for piece in 0..<(isPerSample ? samples : 1) {
        var one = Extremes(channels: layout.channels)
        for channel in 0..<layout.channels {
          let index = record.startIndex + 2 * (isPerSample ? piece : channel)
          one.minimum[channel] = Double(record[index])
          one.maximum[channel] = Double(record[index + 1])
          sums.minimum[channel] += one.minimum[channel]
          sums.maximum[channel] += one.maximum[channel]
        }
        extremes.form(one)
        count += 1
      }
    }
    let means = Extremes(minimum: sums.minimum.map { $0 / Double(count) }, maximum: sums.maximum.map { $0 / Double(count) })
    switch initializer.kind {
    case .meanMinMax, .meanPercentile: return means
    // The mean of the samples' maxima is robust against outliers; a symmetric range still holds the true minimum.
    case .mixedMinMax where isPerSample: return Extremes(minimum: isSymmetric ? extremes.minimum : means.minimum, maximum: means.maximum)
    case .minMax, .mixedMinMax, .percentile, .threeSigma: return extremes
    }
  }
}
