import Foundation
import QATGraph
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Batches become ranges as NNCF's collectors make them")
struct BatchExtremesTests {
  private typealias Initializer = QuantizationConfiguration.RangeInitializer

  /// Two batches of two samples of two channels of two values.
  private let batches: [[Float]] = [[1, -4, 2, 3, 5, -1, 0, 8], [-2, 2, 6, -6, 0, 1, 9, 4]]

  private func range(
    _ initializer: Initializer, _ mode: QuantizationConfiguration.Mode, perChannel: Bool, lastSamples: Int = 2
  ) -> Extremes {
    let layout = ObservedLayout(shape: [2, 2, 2], axis: perChannel ? 1 : nil, samples: 2)
    let extremes = BatchExtremes(layout, initializer, isSymmetric: mode == .symmetric, batchSize: 2)
    let samples = [2, lastSamples]
    let records = zip(batches, samples).map { values, samples in values.withUnsafeBufferPointer { extremes.record($0, samples: samples)[...] } }
    return extremes.fold(records, samples: samples)
  }

  @Test("min_max: the extremes of everything")
  func minMax() {
    #expect(range(.init(.minMax), .symmetric, perChannel: false) == Extremes(minimum: [-6], maximum: [9]))
    #expect(range(.init(.minMax), .asymmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
    #expect(range(.init(.minMax), .symmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
  }

  @Test("mean_min_max: the means of the batches' extremes")
  func meanMinMax() {
    #expect(range(.init(.meanMinMax), .asymmetric, perChannel: false) == Extremes(minimum: [-5], maximum: [8.5]))
    #expect(range(.init(.meanMinMax), .symmetric, perChannel: true) == Extremes(minimum: [-3, -3], maximum: [3.5, 8.5]))
  }

  /// Samples' minima −4, −1, −6, 0; maxima 3, 8, 6, 9; maxima of absolute values 4, 8, 6, 9.
  @Test("mixed_min_max: means of the samples' maxima, and for symmetric ranges the true minimum")
  func mixedMinMax() {
    #expect(range(.init(.mixedMinMax), .symmetric, perChannel: false) == Extremes(minimum: [-6], maximum: [6.75]))
    #expect(range(.init(.mixedMinMax), .asymmetric, perChannel: false) == Extremes(minimum: [-2.75], maximum: [6.5]))
    #expect(range(.init(.mixedMinMax), .asymmetric, perChannel: true) == Extremes(minimum: [-4, -6], maximum: [5, 9]))
  }

  /// Batches in order: −4 −1 0 1 2 3 5 8 and −6 −2 0 1 2 4 6 9; the quartiles lie between the second and third and between the sixth and seventh value.
  /// By channel: −4 −1 1 5 and 0 2 3 8; −2 0 1 2 and −6 4 6 9.
  @Test("mean_percentile: the means of the batches' percentiles, whatever the mode")
  func meanPercentile() {
    var quartiles = Initializer(.meanPercentile)
    (quartiles.minimumPercentile, quartiles.maximumPercentile) = (25, 75)
    for mode in QuantizationConfiguration.Mode.allCases {
      #expect(range(quartiles, mode, perChannel: false) == Extremes(minimum: [(-0.25 - 0.5) / 2], maximum: [(3.5 + 4.5) / 2]))
      #expect(range(quartiles, mode, perChannel: true) == Extremes(minimum: [(-1.75 - 0.5) / 2, 1.5], maximum: [(2 + 1.25) / 2, (4.25 + 6.75) / 2]))
    }
  }

  @Test("samples beyond a partly filled last batch do not count")
  func partialBatch() {
    #expect(range(.init(.mixedMinMax), .symmetric, perChannel: false, lastSamples: 1) == Extremes(minimum: [-6], maximum: [6]))
    #expect(range(.init(.minMax), .asymmetric, perChannel: true, lastSamples: 1) == Extremes(minimum: [-4, -6], maximum: [5, 8]))
    #expect(range(.init(.meanMinMax), .asymmetric, perChannel: false, lastSamples: 0) == Extremes(minimum: [-4], maximum: [8]))
  }

  @Test("a value that is not finite is found wherever it is", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(_ value: Float) throws {
    for place in [0, 3] {
      var values: [Float] = [1, -.greatestFiniteMagnitude, 0, .leastNonzeroMagnitude]
      #expect(values.withUnsafeBufferPointer { NonFiniteValue(in: $0) } == nil)
      values[place] = value
      let found = try #require(values.withUnsafeBufferPointer { NonFiniteValue(in: $0) })
      #expect(found.index == place && "\(found.value)" == "\(value)")
    }
  }
}

@Suite("A range becomes a quantizer's parameters")
struct RangeParametersTests {
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

  @Test("logarithmic quantizers hold the logarithm of scale or range, also of none")
  func logarithmic() {
    var specification = QuantizerSpecification()
    specification.isLogarithmic = true
    #expect(specification.parameters.map(\.suffix) == ["log_scale"])
    #expect(specification.initialized(from: Extremes(minimum: [-3], maximum: [6])).parameters == [Tensor([Float(log(6.0))], shape: [1])])
    specification.mode = .asymmetric
    #expect(specification.parameters.map(\.suffix) == ["input_low", "log_input_range"])
    let found = specification.initialized(from: Extremes(minimum: [2], maximum: [2])).parameters
    #expect(found == [Tensor([2], shape: [1]), Tensor([Float(log(1e-16))], shape: [1])])
  }

  @Test("asymmetric parameters: channels narrower than a hundredth of the widest are widened on both sides")
  func asymmetric() {
    let specification = QuantizerSpecification(mode: .asymmetric, channelAxis: 0, parameterShape: [2])
    let found = specification.initialized(from: Extremes(minimum: [-40, 1], maximum: [60, 1]))
    #expect(found.parameters == [Tensor([-40, 0.5], shape: [2]), Tensor([100, 1], shape: [2])])
  }
}
