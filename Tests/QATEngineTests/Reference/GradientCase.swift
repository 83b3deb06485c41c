import QATEngine
import QATGraph
import QATTensor
import Testing

/// An operator and the shapes of the inputs with which its gradient is checked.
struct GradientCase: Sendable, CustomTestStringConvertible {
  var op: any ReferenceKernel
  /// nil where an optional input is absent.
  var shapes: [[Int]?]
  var mode = Plan.Mode.training
  /// Inputs that have no gradient.
  var withoutGradient: Set<Int> = []
  var values = Values.normal

  /// How the inputs are filled.
  enum Values: Sendable {
    /// Normally distributed.
    case normal
    /// Normally distributed, but at least 0.01 away from places where the derivative jumps.
    case awayFrom([Double])
    /// Shuffled, 0.1 apart and never a multiple of it, so that maxima are unique by far.
    case distinct
    /// Between 0.5 and 1.5, for variances.
    case positive
    /// Normally distributed, but whole numbers of a range in one input: indices and conditions.
    case whole(Range<Int>, port: Int)
  }

  init(
    _ op: any ReferenceKernel, _ shapes: [[Int]?], mode: Plan.Mode = .training, withoutGradient: Set<Int> = [], values: Values = .normal
  ) {
    self.op = op
    self.shapes = shapes
    self.mode = mode
    self.withoutGradient = withoutGradient
    self.values = values
  }

  var testDescription: String { "\(op) \(shapes.map { $0.map(String.init(describing:)) ?? "absent" }) \(mode)" }

  var inputs: [NDArray<Double>?] { shapes.enumerated().map { port, shape in shape.map { array($0, stream: port) } } }

  /// An array that depends on `stream` alone.
  func array(_ shape: [Int], stream: Int) -> NDArray<Double> {
    let key = RandomKey(seed: 2024, purpose: .syntheticData, stream)
    var values = (0..<shape.elementCount).map { key.normal(at: $0) }
    switch self.values {
    case .normal: break
    case .awayFrom(let kinks):
      for index in values.indices {
        for kink in kinks where abs(values[index] - kink) < 0.01 { values[index] = kink + 0.02 }
      }
    case .distinct:
      let order = values.indices.sorted { values[$0] < values[$1] }
      for (rank, index) in order.enumerated() { values[index] = Double(rank - values.count / 2) * 0.1 + 0.03 }
    case .positive: values = values.indices.map { 0.5 + Double(key.uniform(at: $0)) }
    case .whole(let range, let port):
      if stream == port { values = values.indices.map { Double(range.lowerBound + key.integer(below: range.count, at: $0)) } }
    }
    return NDArray(values, shape: shape)
  }
}

/// Checks an operator's gradients of the loss Σ w · y, with random w, against central differences in Double.
func expectGradientsMatchDifferences(_ test: GradientCase, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let context = KernelContext(mode: test.mode, seed: 5, step: 6, node: 7)
  var inputs = test.inputs
  let outputs = test.op.forward(inputs, context).outputs
  let weights = outputs.enumerated().map { GradientCase(test.op, []).array($1.shape, stream: 100 + $0) }
  let gradients = test.op.backward(inputs: inputs, outputs: outputs, outputGradients: weights, context)
  try #require(gradients.count == inputs.count, sourceLocation: sourceLocation)

  func loss() -> Double {
    zip(test.op.forward(inputs, context).outputs, weights).reduce(0) { $0 + zip($1.0.elements, $1.1.elements).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  for port in inputs.indices {
    guard let original = inputs[port], !test.withoutGradient.contains(port) else {
      #expect(gradients[port] == nil, "input \(port) should have no gradient", sourceLocation: sourceLocation)
      continue
    }
    let gradient = try #require(gradients[port], "input \(port) should have a gradient", sourceLocation: sourceLocation)
    #expect(gradient.shape == original.shape, sourceLocation: sourceLocation)
    let step = 1e-5
    var worst = 0.0
    for index in original.elements.indices {
      var moved = original
      moved.elements[index] = original.elements[index] + step
      inputs[port] = moved
      let above = loss()
      moved.elements[index] = original.elements[index] - step
      inputs[port] = moved
      let below = loss()
      let difference = (above - below) / (2 * step)
      worst = max(worst, abs(difference - gradient.elements[index]) / max(1, abs(difference)))
    }
    inputs[port] = original
    // Central differences are off by O(step²) of the third derivative and by rounding / step: both below 1e-8 of values around 1.
    #expect(worst < 1e-7, "input \(port)", sourceLocation: sourceLocation)
  }
}
