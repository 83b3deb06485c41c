import QATGraph
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Observations become ranges as NNCF's collectors make them")
struct RangeObserverTests {
  private typealias Kind = QuantizationConfiguration.RangeInitializer.Kind

  /// Two batches of two samples of two channels of two values.
  private let batches: [[Float]] = [[1, -4, 2, 3, 5, -1, 0, 8], [-2, 2, 6, -6, 0, 1, 9, 4]]

  private func range(_ kind: Kind, _ mode: QuantizationConfiguration.Mode, perChannel: Bool, lastSamples: Int = 2) throws -> Extremes {
    let specification = QuantizerSpecification(mode: mode, channelAxis: perChannel ? 1 : nil, parameterShape: [perChannel ? 2 : 1])
    let observer = RangeObserver(specification, kind: kind, batchSize: 2)
    let samples = [2, lastSamples]
    let records = zip(batches, samples).map { values, samples in
      var record = [Float](repeating: .nan, count: observer.recordCount)
      values.withUnsafeBufferPointer { values in
        record.withUnsafeMutableBufferPointer { observer.observe(values, inner: 2, samples: samples, into: $0) }
      }
      return record[...]
    }
    return try #require(observer.fold(records, samples: samples))
  }

  @Test("min_max: the extremes of everything")
  func minMax() throws {
    #expect(try range(.minMax, .symmetric, perChannel: false) == Extremes(minimum: [-6], maximum: [9]))
    #expect(try range(.minMax, .asymmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
    #expect(try range(.minMax, .symmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
  }

  @Test("mean_min_max: the means of the batches' extremes")
  func meanMinMax() throws {
    #expect(try range(.meanMinMax, .asymmetric, perChannel: false) == Extremes(minimum: [-5], maximum: [8.5]))
    #expect(try range(.meanMinMax, .symmetric, perChannel: true) == Extremes(minimum: [-3, -3], maximum: [3.5, 8.5]))
  }

  /// Samples' minima −4, −1, −6, 0; maxima 3, 8, 6, 9; maxima of absolute values 4, 8, 6, 9.
  @Test("mixed_min_max: means of the samples' maxima, and for symmetric ranges the true minimum")
  func mixedMinMax() throws {
    #expect(try range(.mixedMinMax, .symmetric, perChannel: false) == Extremes(minimum: [-6], maximum: [6.75]))
    #expect(try range(.mixedMinMax, .asymmetric, perChannel: false) == Extremes(minimum: [-2.75], maximum: [6.5]))
    #expect(try range(.mixedMinMax, .asymmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
  }

  @Test("samples beyond a partly filled last batch do not count")
  func partialBatch() throws {
    #expect(try range(.mixedMinMax, .symmetric, perChannel: false, lastSamples: 1) == Extremes(minimum: [-6], maximum: [6]))
    #expect(try range(.minMax, .asymmetric, perChannel: true, lastSamples: 1) == Extremes(minimum: [-4, -6], maximum: [5, 8]))
  }

  @Test("a value that is not finite is noticed", arguments: [Float.nan, .infinity, -.infinity], [false, true])
  func notFinite(_ value: Float, _ perChannel: Bool) {
    let specification = QuantizerSpecification(channelAxis: perChannel ? 1 : nil, parameterShape: [perChannel ? 2 : 1])
    for kind in Kind.allCases {
      let observer = RangeObserver(specification, kind: kind, batchSize: 1)
      var record = [Float](repeating: 0, count: observer.recordCount)
      [1, value, 2, 3].withUnsafeBufferPointer { values in
        record.withUnsafeMutableBufferPointer { observer.observe(values, inner: 2, samples: 1, into: $0) }
      }
      #expect(observer.fold([record[...]], samples: [1]) == nil, "\(kind)")
    }
  }

  @Test("symmetric parameters: the sign from the data unless forced, and scales of at least 0.1")
  func symmetric() {
    let specification = QuantizerSpecification(channelAxis: 0, parameterShape: [3])
    let found = specification.initialized(from: Extremes(minimum: [0, 0.01, -2], maximum: [3, 0.05, 1]))
    #expect(found.specification.signed)
    #expect(found.parameters == [Tensor([3, 0.1, 2], shape: [3])])
    let unsigned = QuantizerSpecification().initialized(from: Extremes(minimum: [0], maximum: [6]))
    #expect(!unsigned.specification.signed)
    #expect(unsigned.parameters == [Tensor([6], shape: [1])])
    #expect(QuantizerSpecification(forcedSign: true).initialized(from: Extremes(minimum: [0], maximum: [6])).specification.signed)
    #expect(!QuantizerSpecification(forcedSign: false).initialized(from: Extremes(minimum: [-1], maximum: [6])).specification.signed)
  }

  @Test("asymmetric parameters: channels narrower than a hundredth of the widest are widened on both sides")
  func asymmetric() {
    let specification = QuantizerSpecification(mode: .asymmetric, channelAxis: 0, parameterShape: [2])
    let found = specification.initialized(from: Extremes(minimum: [-40, 1], maximum: [60, 1]))
    #expect(found.parameters == [Tensor([-40, 0.5], shape: [2]), Tensor([100, 1], shape: [2])])
  }
}
