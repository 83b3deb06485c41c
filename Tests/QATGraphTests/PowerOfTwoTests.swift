import Foundation
import QATGraph
import QATTensor
import Testing

/// Quantizers whose steps are powers of two, against logarithms and exact arithmetic.
@Suite("Steps that are powers of two") struct PowerOfTwoTests {
  static let all: [FakeQuantize] = (2...8).flatMap { bits in
    [true, false].flatMap { signed in
      [true, false].map {
        FakeQuantize(mode: .symmetric(signed: signed), bits: bits, narrowRange: signed, isLogarithmic: $0, hasPowerOfTwoStep: true)
      }
    }
  }

  private static func draw(_ number: Int) -> Float { Float(exp2(Double(RandomKey(seed: 4, purpose: .syntheticData).uniform(at: number)) * 30 - 15)) }

  @Test("are the smallest that reach the learned bound, in Float and in Double", arguments: all)
  func smallest(op: FakeQuantize) {
    for number in 0..<300 {
      let extent = Self.draw(number)
      let parameter = op.isLogarithmic ? Float(log(Double(extent))) : extent
      let learned = op.isLogarithmic ? Float(exp(Double(parameter))) : extent
      let expected = exp2(ceil(log2(Double(learned) / Double(op.levelHigh))))
      let grid: FakeQuantize.Grid<Float> = op.grid(scale: parameter)
      #expect(Double(grid.step) == expected && grid.reciprocalStep == 1 / grid.step)
      #expect(grid.zeroPoint == Float(-op.levelLow) && grid.low == Float(op.levelLow) * grid.step && grid.high == Float(op.levelHigh) * grid.step)
      let wide: FakeQuantize.Grid<Double> = op.grid(scale: Double(learned))
      if !op.isLogarithmic { #expect(wide.step == expected) }
    }
  }

  @Test("are kept by the scale that has them, and found again")
  func exactBounds() {
    for op in Self.all where !op.isLogarithmic {
      for exponent in FakeQuantize.stepExponents {
        let step = Float(sign: .plus, exponent: exponent, significand: 1)
        #expect(FakeQuantize.isStep(step) && op.floatGrid(scale: op.scale(forStep: step)).step == step)
        #expect(op.floatGrid(scale: (step * Float(op.levelHigh)).nextUp).step == (exponent == 24 ? step : 2 * step))
        #expect(FakeQuantize.storedStep(step, bits: op.bits) == step)
      }
    }
    #expect(
      !FakeQuantize.isStep(3) && !FakeQuantize.isStep(0x1p-25) && !FakeQuantize.isStep(0) && !FakeQuantize.isStep(-2) && !FakeQuantize.isStep(.nan))
  }

  @Test("of a scale that says nothing are the smallest ones, and what is no number stays none")
  func limits() {
    let op = FakeQuantize(mode: .symmetric(signed: true), hasPowerOfTwoStep: true)
    for scale: Float in [0, 1e-30, -1e-30, .leastNonzeroMagnitude] { #expect(op.floatGrid(scale: scale).step == 0x1p-24) }
    #expect(op.floatGrid(scale: 1e30).step == 0x1p24)
    #expect(op.floatGrid(scale: .nan).value(1).isNaN && op.floatGrid(scale: .infinity).step == .infinity)
    #expect(op.floatGrid(scale: -1).step == op.floatGrid(scale: 1).step)
    #expect(throws: ShapeError.self) {
      try FakeQuantize(mode: .asymmetric, hasPowerOfTwoStep: true).outputTypes(for: [TensorType([.batch]), TensorType([1]), TensorType([1])])
    }
  }

  @Test("round every number to its nearest code, exactly, also beside ties")
  func nearest() {
    let op = FakeQuantize(mode: .symmetric(signed: true), hasPowerOfTwoStep: true)
    let grid = op.floatGrid(scale: 0.9)
    #expect(grid.step == 0x1p-7)
    for code in -140...140 {
      let tie = (Float(code) + 0.5) * grid.step
      for x in [tie, tie.nextUp, tie.nextDown, Float(code) * grid.step] {
        let exact = (Double(x) / Double(grid.step)).rounded(.toNearestOrEven)
        #expect(Double(grid.code(x)) == min(max(exact, -128), 127), "\(x)")
      }
    }
  }

  /// With the rounding of the logarithm as the identity, the grid's upper bound is the learned bound times a constant.
  @Test("have the slope of their logarithm's straight-through form", arguments: all)
  func slope(op: FakeQuantize) {
    for number in 0..<50 {
      let extent = Double(Self.draw(number))
      let parameter = op.isLogarithmic ? log(extent) : number.isMultiple(of: 2) ? extent : -extent
      func learned(_ p: Double) -> Double { op.isLogarithmic ? exp(p) : abs(p) }
      let bound = op.extent(of: parameter)
      func surrogate(_ p: Double) -> Double { exp2(log2(bound) + log2(learned(p)) - log2(learned(parameter))) }
      let h = 1e-6 * max(abs(parameter), 1e-3)
      let numeric = (surrogate(parameter + h) - surrogate(parameter - h)) / (2 * h)
      #expect(abs(op.extentSlope(at: parameter) - numeric) <= 1e-5 * abs(numeric), "\(parameter)")
    }
  }

  @Test("bias codes have at most 22 bits")
  func biasCodes() {
    #expect(RoundBias.code(2.5) == 2 && RoundBias.code(-3.5) == -4 && RoundBias.code(0) == 0)
    #expect(RoundBias.code(0x1p22 + 1) == 0x1p22 && RoundBias.code(0x1p22 + 3) == 0x1p22 + 4 && RoundBias.code(0x1p22 - 1) == 0x1p22 - 1)
    #expect(RoundBias.rounded(1, step: 0) == 1 && RoundBias.rounded(.nan, step: 1).isNaN && RoundBias.rounded(0.3, step: 0.25) == 0.25)
  }
}
