import QATModels
import QATTensor
import Testing

@Suite struct InitializerTests {
  private func moments(_ tensor: Tensor) throws -> (mean: Double, variance: Double, extremes: ClosedRange<Float>) {
    let values = try #require(tensor.floats)
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    return (mean, variance, try #require(values.min())...(try #require(values.max())))
  }

  /// For fan-out 64 · 3 · 3 the variance is 2/576; the bounds are five standard errors of 36864 draws.
  @Test func kaimingNormalHasItsVariance() throws {
    let m = try moments(Initializer.kaimingNormal(.fanOut).tensor(named: "w", shape: [64, 64, 3, 3], seed: 1))
    let expected = 2.0 / 576
    #expect(abs(m.mean) < 5 * (expected / 36864).squareRoot())
    #expect(abs(m.variance / expected - 1) < 5 * (2.0 / 36864).squareRoot())
  }

  @Test(arguments: [(Initializer.Fan.fanIn, 2.0 / 18), (.fanOut, 2.0 / 36864)])
  func fansCountWhatTheySay(fan: Initializer.Fan, variance: Double) throws {
    let m = try moments(Initializer.kaimingNormal(fan).tensor(named: "w", shape: [4096, 2, 3, 3], seed: 2))
    #expect(abs(m.variance / variance - 1) < 0.03)
  }

  @Test func uniformStaysWithinItsBoundAndFillsIt() throws {
    let m = try moments(Initializer.uniform(bound: 0.5).tensor(named: "w", shape: [10000], seed: 3))
    #expect(m.extremes.lowerBound >= -0.5 && m.extremes.upperBound <= 0.5)
    #expect(m.extremes.lowerBound < -0.49 && m.extremes.upperBound > 0.49)
    #expect(abs(m.variance - 1.0 / 12) < 0.005)
  }

  @Test func drawsDependOnNameAndSeed() {
    let initializer = Initializer.normal(deviation: 1)
    let base = initializer.tensor(named: "a", shape: [8], seed: 0)
    #expect(base == initializer.tensor(named: "a", shape: [8], seed: 0))
    #expect(base != initializer.tensor(named: "b", shape: [8], seed: 0))
    #expect(base != initializer.tensor(named: "a", shape: [8], seed: 1))
  }
}
