import QATTensor
import Testing

@testable import QATQuantization

@Suite("Quantiles are exact, however the values are shared out")
struct QuantileRangeTests {
  private typealias Initializer = QuantizationConfiguration.RangeInitializer

  private func initializer(_ minimum: Double, _ maximum: Double) -> Initializer {
    var result = Initializer(.percentile)
    (result.minimumPercentile, result.maximumPercentile) = (minimum, maximum)
    return result
  }

  private func range(_ values: [Float], _ initializer: Initializer, axis: Int? = nil, shape: [Int]? = nil) -> Extremes {
    let layout = ObservedLayout(shape: shape ?? [values.count], axis: axis, samples: 1)
    return values.withUnsafeBufferPointer { QuantileRange.range(of: $0, layout, initializer) }
  }

  @Test("percentiles are interpolated linearly between neighbours")
  func percentiles() {
    let values: [Float] = [7, 3, 10, 0, 1, 9, 2, 8, 4, 6, 5]
    #expect(range(values, initializer(10, 85)) == Extremes(minimum: [1], maximum: [8.5]))
    #expect(range(values, initializer(0, 100)) == Extremes(minimum: [0], maximum: [10]))
    #expect(range([4], initializer(1, 99)) == Extremes(minimum: [4], maximum: [4]))
  }

  @Test("each channel has its own, on whichever axis")
  func channels() {
    let values: [Float] = [0, -10, 1, -20, 2, -30, 3, -40, 4, -50]
    #expect(range(values, initializer(25, 50), axis: 1, shape: [5, 2]) == Extremes(minimum: [1, -40], maximum: [2, -30]))
    #expect(range(values, initializer(0, 100), axis: 0, shape: [2, 5]) == Extremes(minimum: [-20, -50], maximum: [2, 4]))
  }

  /// Without zeros 1 2 3 4 100, so the median is 3; all deviations in order 0 1 1 2 3 3 3 97, so theirs is 2.5.
  @Test("threesigma: zeros do not count for the median, but for the deviation")
  func threeSigma() {
    let found = range([0, 100, 2, 0, 4, 1, 3, 0], Initializer(.threeSigma))
    #expect(found == Extremes(minimum: [3 - 3 * 1.4826230 * 2.5], maximum: [3 + 3 * 1.4826230 * 2.5]))
    #expect(range([0, 0, 1e-8], Initializer(.threeSigma)) == Extremes(minimum: [0], maximum: [0]))
  }

  @Test("any values shared out over any number of counters give the numbers that sorting gives", arguments: [1, 2, 3, 7])
  func sharedOut(parts: Int) throws {
    let key = RandomKey(seed: 5, purpose: .syntheticData, parts)
    // All magnitudes that floats have, many equal ones, both zeros.
    let values = (0..<5000).map { index -> Float in
      let bits = UInt32(key.integer(below: Int(UInt32.max), at: index))
      let value = Float(bitPattern: bits)
      return index % 3 == 0 ? Float(index % 7) - 3 : value.isFinite ? value : -0.0
    }
    let layout = ObservedLayout(shape: [values.count], axis: nil, samples: 1)
    let wanted = initializer(0.1, 99.9)
    var counters = Array(repeating: QuantileRange(layout, wanted), count: parts)
    while counters[0].range == nil {
      for part in 0..<parts {
        let own = values.indices.filter { $0 % parts == part }.map { values[$0] }
        own.withUnsafeBufferPointer { counters[part].observe($0) }
      }
      var sums: [Int64] = []
      for part in 0..<parts { counters[part].withCounts { sums = sums.isEmpty ? Array($0) : zip(sums, $0).map { $0 + $1 } } }
      for part in 0..<parts {
        counters[part].withCounts { _ = $0.update(fromContentsOf: sums) }
        counters[part].endSweep()
      }
    }
    let sorted = values.sorted()
    let expected = [0.001, 0.999].map { fraction -> Double in
      let place = fraction * 4999
      let (low, high) = (Double(sorted[Int(place)]), Double(sorted[Int(place) + 1]))
      return low + (high - low) * (place - place.rounded(.down))
    }
    for counter in counters {
      let found = try #require(counter.range)
      #expect(abs(found.minimum[0] / expected[0] - 1) < 1e-12 && abs(found.maximum[0] / expected[1] - 1) < 1e-12)
    }
  }
}
