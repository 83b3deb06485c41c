import QATEngine
import QATGraph
import QATTensor
import Testing

/// The straight-through gradients: what they are derivatives of, and the rule on the bounds themselves.
@Suite("Gradients of quantizers of every kind and width") struct FakeQuantizeDerivativeTests {
  static let all: [FakeQuantize] = [2, 3, 4, 8].flatMap { bits in
    [
      FakeQuantize(mode: .asymmetric, bits: bits), FakeQuantize(mode: .symmetric(signed: true), bits: bits),
      .init(mode: .symmetric(signed: false), bits: bits),
    ]
  }

  private let context = KernelContext(mode: .training)

  private func gradients(_ op: FakeQuantize, _ x: Double, _ parameters: [Double]) -> [Double] {
    let inputs: [NDArray<Double>?] = [NDArray([x], shape: [1])] + parameters.map { NDArray([$0], shape: [1]) }
    let outputs = op.forward(inputs, context).outputs
    let gradients = op.backward(inputs: inputs, outputs: outputs, outputGradients: [NDArray([1], shape: [1])], context)
    return gradients.map { $0?.elements[0] ?? .nan }
  }

  /// The quantizer with rounding and tuning frozen as they are at `at`: of x and of the bounds (low, range) alone. What the straight-through gradient differentiates.
  private func smooth(_ x: Double, _ low: Double, _ range: Double, at grid: FakeQuantize.Grid<Double>, _ frozen: Double) -> Double {
    if frozen > grid.high { return low + range }
    if frozen < grid.low { return low }
    // y = (u + rounding) / k, with u = x · k and what rounding added there.
    let k = grid.reciprocalStep * grid.range / range
    return x + (grid.value(frozen) - frozen) * grid.reciprocalStep / k
  }

  @Test("away from the bounds they are the derivatives with rounding frozen", arguments: all)
  func numeric(_ op: FakeQuantize) {
    let parameters = op.mode == .asymmetric ? [-0.43, 1.7] : [0.9]
    let grid: FakeQuantize.Grid<Double> = op.grid(parameters: parameters.map { [$0] }, at: 0)
    let h = 1e-6
    for step in -40...40 {
      let x = 0.0531 * Double(step)
      if abs(x - grid.low) < 1e-3 || abs(x - grid.high) < 1e-3 { continue }
      func slope(_ change: (Double) -> (x: Double, low: Double, range: Double)) -> Double {
        let (ahead, behind) = (change(h), change(-h))
        return (smooth(ahead.x, ahead.low, ahead.range, at: grid, x) - smooth(behind.x, behind.low, behind.range, at: grid, x)) / (2 * h)
      }
      let found = gradients(op, x, parameters)
      let byX = slope { (x + $0, grid.low, grid.range) }
      #expect(abs(found[0] - byX) < 1e-6, "\(op) at \(x)")
      if op.mode == .asymmetric {
        let (byLow, byRange) = (slope { (x, grid.low + $0, grid.range) }, slope { (x, grid.low, grid.range + $0) })
        #expect(abs(found[1] - byLow) < 1e-6, "\(op) at \(x)")
        #expect(abs(found[2] - byRange) < 1e-6, "\(op) at \(x)")
      } else {
        // Inside NNCF takes the range for the parameter, outside the scale, which moves both bounds.
        let ratio = Double(op.levelLow) / Double(op.levelHigh)
        let isInside = x > grid.low && x < grid.high
        let expected = isInside ? slope { (x, grid.low, grid.range + $0) } : slope { (x, grid.low + ratio * $0, grid.range + (1 - ratio) * $0) }
        #expect(abs(found[1] - expected) < 1e-6, "\(op) at \(x)")
      }
    }
  }

  @Test("on a bound itself a value counts as inside, a step beyond as outside", arguments: all)
  func bounds(_ op: FakeQuantize) {
    let parameters = op.mode == .asymmetric ? [-0.43, 1.7] : [0.9]
    let grid: FakeQuantize.Grid<Double> = op.grid(parameters: parameters.map { [$0] }, at: 0)
    for bound in [grid.low, grid.high] {
      let found = gradients(op, bound, parameters)
      #expect(found[0] == 1)
      #expect(abs(found[1]) < 1e-12 && abs(found.last ?? 1) < 1e-12, "\(op): y = x there")
    }
    let above = gradients(op, grid.high.nextUp, parameters)
    #expect(above[0] == 0 && above.last == 1)
    let below = gradients(op, grid.low.nextDown, parameters)
    #expect(below[0] == 0)
    #expect(below.last == (op.mode == .asymmetric ? 0 : Double(op.levelLow) / Double(op.levelHigh)))
    if op.mode == .asymmetric { #expect(above[1] == 1 && below[1] == 1) }
  }
}
