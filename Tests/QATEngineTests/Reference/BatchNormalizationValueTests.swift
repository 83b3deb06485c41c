import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct BatchNormalizationValueTests {
  /// Channel 0: 1, 2, 3, 4 (mean 2.5, sum of squared deviations 5); channel 1: 0, 0, 0, 8 (mean 2, sum 48).
  private let x = NDArray<Double>([1, 2, 0, 0, 3, 4, 0, 8], shape: [2, 2, 2])

  private func inputs(gamma: [Double] = [1, 1], beta: [Double] = [0, 0], mean: [Double] = [0, 0], variance: [Double] = [1, 1]) -> [NDArray<Double>?] {
    [x] + [gamma, beta, mean, variance].map { NDArray($0, shape: [2]) }
  }

  @Test func trainingUsesTheBiasedVarianceAndReportsTheUnbiasedOne() throws {
    // With epsilon 2.75 and 4 the deviations are 2 and 4 exactly.
    for (channel, epsilon) in [(0, Float(2.75)), (1, 4)] {
      let result = BatchNormalization(epsilon: epsilon).forward(inputs(gamma: [2, 2], beta: [10, 10]), KernelContext(mode: .training))
      let expected: [[Double]] = [[8.5, 9.5, 10.5, 11.5], [9, 9, 9, 13]]
      let y = result.outputs[0].elements
      #expect([y[2 * channel], y[2 * channel + 1], y[4 + 2 * channel], y[5 + 2 * channel]] == expected[channel])
      #expect(result.statistics[3]?.elements == [2.5, 2])
      #expect(result.statistics[4]?.elements == [5.0 / 3, 16])
    }
  }

  @Test func evaluationUsesTheRunningStatisticsAndReportsNothing() {
    let op = BatchNormalization(epsilon: 0)
    let result = op.forward(inputs(gamma: [1, 3], beta: [0, 1], mean: [1, 2], variance: [4, 9]), KernelContext(mode: .evaluation))
    #expect(result.outputs[0].elements == [0, 0.5, -1, -1, 1, 1.5, -1, 7])
    #expect(result.statistics.isEmpty)
  }

  @Test func evaluationTreatsEachSampleAlone() {
    let op = BatchNormalization()
    let context = KernelContext(mode: .evaluation)
    let all = op.forward(inputs(mean: [1, 2], variance: [4, 9]), context).outputs[0].elements
    let firstSample = NDArray(Array(x.elements[0..<4]), shape: [1, 2, 2])
    let alone = op.forward([firstSample] + inputs(mean: [1, 2], variance: [4, 9]).dropFirst(), context).outputs[0].elements
    #expect(alone == Array(all[0..<4]))
  }

  @Test func normalizedOutputsHaveMeanBetaAndDeviationGamma() {
    let test = GradientCase(BatchNormalization(epsilon: 1e-12), [[16, 2, 3, 3]])
    let x = test.inputs[0]
    let two = { (values: [Double]) in NDArray(values, shape: [2]) }
    let y = BatchNormalization(epsilon: 1e-12).forward(
      [x, two([3, 0.5]), two([-1, 4]), two([9, 9]), two([9, 9])], KernelContext(mode: .training)
    ).outputs[0]
    for (channel, expected) in [(0, (-1.0, 3.0)), (1, (4.0, 0.5))] {
      let values = y.elements.indices.filter { $0 / 9 % 2 == channel }.map { y.elements[$0] }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      #expect(abs(mean - expected.0) < 1e-9)
      #expect(abs((squares / Double(values.count)).squareRoot() - expected.1) < 1e-9)
    }
  }

  @Test func aLargeMeanDoesNotCancelTheVariance() throws {
    // Deviations of 1 around 10 000 vanish in Float when squares are summed first.
    let values = (0..<1000).map { Float(10_000 + ($0 % 2 == 0 ? 1 : -1)) }
    let one = NDArray<Float>([1], shape: [1])
    let result = BatchNormalization().forward([NDArray(values, shape: [1000, 1]), one, one, one, one], KernelContext(mode: .training))
    let variance = try #require(result.statistics[4]?.elements[0])
    #expect(abs(variance - 1000.0 / 999) < 1e-6)
  }

  @Test func oneElementAChannelHasVarianceZero() {
    let one = NDArray<Float>([1], shape: [1])
    let result = BatchNormalization().forward([NDArray([5], shape: [1, 1]), one, one, one, one], KernelContext(mode: .training))
    #expect(result.outputs[0].elements == [1])
    #expect(result.statistics[4]?.elements == [0])
  }
}
