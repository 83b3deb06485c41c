import QATGraph
import QATTensor
import Testing

/// What holds for every quantizer, against the same arithmetic in whole numbers.
@Suite("Quantizers of every kind and width") struct QuantizerPropertyTests {
  /// Every way to quantize: kinds, widths, narrow and half ranges.
  static let all: [FakeQuantize] = (2...8).flatMap { bits in
    let halves = bits > 2 ? [false, true] : [false]
    return halves.flatMap { half in
      [FakeQuantize(mode: .asymmetric, bits: bits, halfRange: half)]
        + [true, false].flatMap { signed in
          [false, true].map { FakeQuantize(mode: .symmetric(signed: signed), bits: bits, narrowRange: $0, halfRange: half) }
        }
    }
  }

  /// Parameters in steps of 2⁻²⁰, so that whole numbers hold them exactly, and values of which some are near and beyond the bounds.
  private static func draws(_ number: Int) -> (scale: Int, low: Int, range: Int, values: [Int]) {
    let key = RandomKey(seed: 9, purpose: .syntheticData, number)
    let scale = 1 << 17 + key.integer(below: 1 << 22, at: 0)
    let range = 1 << 17 + key.integer(below: 1 << 22, at: 1)
    let low = key.integer(below: 3 << 21, at: 2) - (2 << 21)
    let values = (0..<400).map { key.integer(below: 5 << 21, at: 3 + $0) - (5 << 20) }
    return (scale, low, range, values + [0, scale, -scale, scale + 1, scale - 1, low, low + range])
  }

  /// numerator / denominator to the nearest whole number, ties to even, and how far it is from a tie as a share of 1.
  private static func rounded(_ numerator: Int, _ denominator: Int) -> (code: Int, toTie: Double) {
    var (quotient, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
    if rest < 0 { (quotient, rest) = (quotient - 1, rest + denominator) }
    let side = 2 * rest - denominator
    let up = side > 0 || (side == 0 && !quotient.isMultiple(of: 2))
    return (up ? quotient + 1 : quotient, abs(Double(side)) / Double(2 * denominator))
  }

  private static let unit: Float = 0x1p-20

  private static func parameters(_ op: FakeQuantize, _ draws: (scale: Int, low: Int, range: Int, values: [Int])) -> [[Float]] {
    op.mode == .asymmetric ? [[Float(draws.low) * unit], [Float(draws.range) * unit]] : [[Float(draws.scale) * unit]]
  }

  @Test("codes are those of exact arithmetic, but where float32 cannot tell two codes apart")
  func oracle() {
    var (compared, excused) = (0, 0)
    for op in Self.all {
      for number in 0..<6 {
        let draws = Self.draws(number)
        let grid: FakeQuantize.Grid<Float> = op.grid(parameters: Self.parameters(op, draws), at: 0)
        // The tuned bounds of an asymmetric quantizer, exactly: float32 from 2⁻⁸ up is a multiple of 2⁻³².
        let fine = 0x1p32
        let (low, range) = (Int(Double(grid.low) * fine), Int(Double(grid.range) * fine))
        for value in draws.values {
          let exact: (code: Int, toTie: Double)
          let limits: ClosedRange<Int>
          if op.mode == .asymmetric {
            let last = op.levels - 1
            let zero = Self.rounded(-low * last, range).code
            let clamped = min(max(value << 12, low), low + range)
            let (code, toTie) = Self.rounded((clamped - low) * last, range)
            (exact, limits) = ((code - zero, toTie), -zero...last - zero)
          } else {
            let found = Self.rounded(value * op.levelHigh, draws.scale)
            exact = (min(max(found.code, op.levelLow), op.levelHigh), found.toTie)
            limits = op.levelLow...op.levelHigh
          }
          let code = Int(grid.code(Float(value) * Self.unit))
          compared += 1
          if !limits.contains(code) { Issue.record("\(op): \(value) has the code \(code), beyond \(limits)") }
          if code == exact.code { continue }
          // A tie of real numbers, or nearly: rounding of the reciprocal step decides.
          excused += 1
          if abs(code - exact.code) > 1 || exact.toTie > Double(op.levels) * 0x1p-21 {
            Issue.record("\(op): \(value) has the code \(code), exactly \(exact.code), \(exact.toTie) from a tie")
          }
        }
      }
    }
    #expect(compared > 100_000 && excused * 1000 < compared, "\(excused) of \(compared)")
  }

  @Test("zero stays zero, also where tuning leaves a bound off the grid")
  func zero() {
    for op in Self.all {
      for number in 0..<40 {
        let grid: FakeQuantize.Grid<Float> = op.grid(parameters: Self.parameters(op, Self.draws(number)), at: 0)
        #expect(grid.value(0) == 0 && grid.code(0) == 0, "\(op), draw \(number)")
      }
      guard op.mode == .asymmetric else { continue }
      for low: Float in [-0.001, -1e-6, 0, 0.3, -0.999] {
        let grid = op.floatGrid(inputLow: low, inputRange: 1)
        #expect(grid.value(0) == 0, "\(op), from \(low)")
      }
    }
  }

  @Test("values on the grid stay where they are, bit for bit")
  func idempotence() {
    for op in Self.all {
      for number in 0..<6 {
        let draws = Self.draws(number)
        let grid: FakeQuantize.Grid<Float> = op.grid(parameters: Self.parameters(op, draws), at: 0)
        for value in draws.values {
          let once = grid.value(Float(value) * Self.unit)
          if grid.value(once) != once { Issue.record("\(op), draw \(number): \(once) becomes \(grid.value(once))") }
        }
      }
    }
  }

  @Test("the grid is monotonous and its values stand one step apart")
  func monotony() {
    for op in Self.all {
      let draws = Self.draws(1)
      let grid: FakeQuantize.Grid<Float> = op.grid(parameters: Self.parameters(op, draws), at: 0)
      let values = draws.values.sorted().map { grid.value(Float($0) * Self.unit) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }, "\(op)")
      #expect(Set(values).count <= op.levels, "\(op)")
    }
  }

  @Test("every value of a half range is a value of the full range that it is exported as", arguments: 3...8)
  func halfRangeExport(bits: Int) {
    let (last, half) = (Float(1 << bits - 1), Float(1 << (bits - 1) - 1))
    for number in 0..<6 {
      let draws = Self.draws(number)
      let scale = Float(draws.scale) * Self.unit
      // Symmetric: codes keep their meaning, the bound grows from code 2^(b−2) − 1 to 2^(b−1) − 1.
      let trained = FakeQuantize(mode: .symmetric(signed: true), bits: bits, halfRange: true)
      let exported = FakeQuantize(mode: .symmetric(signed: true), bits: bits)
      let (inner, outer) = (trained.floatGrid(scale: scale), exported.floatGrid(scale: scale * Float(exported.levelHigh) / Float(trained.levelHigh)))
      // Asymmetric: the range grows by the number of its steps.
      let (low, range) = FakeQuantize.tuned(low: min(Float(draws.low), 0) * Self.unit, range: Float(draws.range) * Self.unit, levels: Int(half) + 1)
      let (narrow, wide) = (
        FakeQuantize(mode: .asymmetric, bits: bits, halfRange: true).floatGrid(inputLow: low, inputRange: range),
        FakeQuantize.Grid<Float>(low: low, range: range * last / half, levels: exported.levels)
      )
      for value in draws.values {
        let x = Float(value) * Self.unit
        #expect(outer.code(inner.value(x)) == inner.code(x))
        #expect(wide.code(narrow.value(x)) == narrow.code(x))
        #expect(abs(outer.value(inner.value(x)) - inner.value(x)) <= 4e-7 * scale)
      }
    }
  }
}
