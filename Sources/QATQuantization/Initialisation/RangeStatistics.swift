/// Extremes of a tensor, one pair a channel, or one in all.
struct Extremes: Sendable, Hashable {
  /// The smallest value of each channel.
  var minimum: [Double]
  /// The largest value, or the largest absolute value for a symmetric quantizer.
  var maximum: [Double]

  /// Extremes of nothing.
  init(channels: Int) {
    minimum = Array(repeating: .infinity, count: channels)
    maximum = Array(repeating: -.infinity, count: channels)
  }

  /// Given extremes.
  init(minimum: [Double], maximum: [Double]) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// Widens these extremes to hold others.
  mutating func form(_ other: Extremes) {
    for channel in minimum.indices {
      minimum[channel] = min(minimum[channel], other.minimum[channel])
      maximum[channel] = max(maximum[channel], other.maximum[channel])
    }
  }
}

/// How the values that a quantizer sees are reduced to extremes, sample by sample or batch by batch.
///
/// A batch leaves one record of floats, a pair (minimum, maximum) for each of its `slots`: its samples, its channels, or one in all. Records are what
/// ranks exchange; they are folded in the order of the batches, so that the result does not depend on who computed which.
struct RangeObserver: Sendable {
  /// One pair for each sample of the batch, for the means of `mixed_min_max`; else one for each channel.
  let isPerSample: Bool
  /// Whether maxima are of absolute values.
  let isSymmetric: Bool
  /// How records become a range.
  let kind: QuantizationConfiguration.RangeInitializer.Kind
  /// Number of channels with a range of their own; 1 per tensor.
  let channels: Int
  /// Samples in a batch.
  let batchSize: Int

  init(_ specification: QuantizerSpecification, kind: QuantizationConfiguration.RangeInitializer.Kind, batchSize: Int) {
    isPerSample = kind == .mixedMinMax && !specification.perChannel
    isSymmetric = specification.mode == .symmetric
    channels = specification.parameterShape.reduce(1, *)
    self.kind = kind
    self.batchSize = batchSize
  }

  /// Floats in the record of one batch.
  var recordCount: Int { 2 * (isPerSample ? batchSize : channels) }

  /// Fills the record of one batch.
  /// - Parameters:
  ///   - values: [sample][outer][channel][inner], row-major; `outer` and `inner` are the same for every sample.
  ///   - inner: elements between neighbouring channels.
  ///   - samples: how many samples count; the rest of the batch is left from an earlier one.
  ///   - record: receives (minimum, maximum) pairs; NaN for both where a value is NaN or infinite.
  func observe(_ values: UnsafeBufferPointer<Float>, inner: Int, samples: Int, into record: UnsafeMutableBufferPointer<Float>) {
    let perSample = values.count / batchSize
    if channels == 1 {
      let pieces = isPerSample ? samples : 1
      let length = isPerSample ? perSample : perSample * samples
      for piece in 0..<pieces {
        let pair = extremes(UnsafeBufferPointer(rebasing: values[piece * length..<(piece + 1) * length]))
        (record[2 * piece], record[2 * piece + 1]) = pair
      }
      return
    }
    for channel in 0..<channels {
      var pair = (Float.infinity, -Float.infinity)
      for start in stride(from: channel * inner, to: perSample * samples, by: channels * inner) {
        let found = extremes(UnsafeBufferPointer(rebasing: values[start..<start + inner]))
        pair = found.0.isNaN || pair.0.isNaN ? (.nan, .nan) : (min(pair.0, found.0), max(pair.1, found.1))
      }
      (record[2 * channel], record[2 * channel + 1]) = pair
    }
  }

  private func extremes(_ values: UnsafeBufferPointer<Float>) -> (Float, Float) {
    var (low, high, check) = (Float.infinity, -Float.infinity, Float(0))
    for value in values {
      low = value < low ? value : low
      let upper = isSymmetric ? abs(value) : value
      high = upper > high ? upper : high
      // 0 for finite values, NaN for the others.
      check += value - value
    }
    return check == 0 ? (low, high) : (.nan, .nan)
  }

  /// The range that all batches together give. Source: NNCF 2.14, its collectors of minima and maxima.
  /// - Parameters:
  ///   - records: one a batch, in the order of the batches.
  ///   - samples: number of samples in each batch.
  /// - Returns: nil when a value was not finite.
  func fold(_ records: [ArraySlice<Float>], samples: [Int]) -> Extremes? {
    var extremes = Extremes(channels: channels)
    var sums = Extremes(minimum: Array(repeating: 0, count: channels), maximum: Array(repeating: 0, count: channels))
    var count = 0
    for (record, samples) in zip(records, samples) {
      let pieces = isPerSample ? samples : 1
      for piece in 0..<pieces {
        var one = Extremes(channels: channels)
        for channel in 0..<channels {
          let index = record.startIndex + 2 * (isPerSample ? piece : channel)
          guard record[index].isFinite, record[index + 1].isFinite else { return nil }
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
    switch kind {
    case .minMax: return extremes
    case .meanMinMax: return means
    case .mixedMinMax:
      guard isPerSample else { return extremes }
      // The mean of the samples' maxima is robust against outliers; a symmetric range still holds the true minimum.
      return Extremes(minimum: isSymmetric ? extremes.minimum : means.minimum, maximum: means.maximum)
    }
  }
}
