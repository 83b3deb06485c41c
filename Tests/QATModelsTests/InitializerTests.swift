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

  /// Element i follows from the name's FNV-1a hash and i alone, by the documented formulas, however many elements there are.
  @Test(arguments: [1, 7, 8, 31, 32, 33, 1000])
  func elementsAreThoseOfTheFormulas(count: Int) throws {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "conv.weight".utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    let key = RandomKey(seed: 9, purpose: .initialWeights, Int(hash >> 32), Int(hash & 0xffff_ffff))
    let uniform = Initializer.uniform(bound: 0.3).tensor(named: "conv.weight", shape: [count], seed: 9)
    #expect(uniform.floats == (0..<count).map { 0.3 * (2 * key.uniform(at: $0) - 1) })
    let normal = Initializer.normal(deviation: 0.3).tensor(named: "conv.weight", shape: [count], seed: 9)
    #expect(
      normal.floats
        == (0..<count).map { index in
          let words = key.words(block: UInt32(index))
          let sum = (0..<4).reduce(UInt32(0)) { $0 + (words[$1] & 0xffff) + (words[$1] >> 16) }
          return 0.3 * ((Float(sum) - 4 * 65535) * (0x1p-16 * 1.224_744_9))
        })
  }
}
