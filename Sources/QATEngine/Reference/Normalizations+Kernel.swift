import QATGraph
import QATTensor
import RealModule

/// A normalisation whose statistics are those of runs of consecutive elements, and whose scale and bias are broadcast.
protocol RunNormalization: ReferenceKernel {
  var epsilon: Float { get }
  /// How many consecutive elements of an array of `shape` are normalised together.
  func runLength(_ shape: [Int]) -> Int
  /// The shape in which scale or bias, of the shape `parameter`, is broadcast to x.
  func broadcastShape(_ parameter: [Int], _ shape: [Int]) -> [Int]
}

extension RunNormalization {
  /// Normalises, scales and shifts.
  public func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S> {
    let x = operand(inputs, 0)
    let scale = operand(inputs, 1)
    var y = broadcast(normalized(x).values, scale.reshaped(broadcastShape(scale.shape, x.shape)), x.shape) { $0 * $1 }
    if inputs.count > 2, let bias = inputs[2] { y = broadcast(y, bias.reshaped(broadcastShape(bias.shape, x.shape)), x.shape) { $0 + $1 } }
    return KernelResult([y])
  }

  /// With x̂ the normalised x and g = dy · scale: dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + epsilon) for each run; dscale = dy · x̂ and
  /// dbias = dy, summed to their shapes.
  public func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?] {
    let (x, scale, dy) = (operand(inputs, 0), operand(inputs, 1), outputGradients[0])
    let scaleShape = broadcastShape(scale.shape, x.shape)
    let (values, inverseDeviations) = normalized(x)
    var dx = broadcast(dy, scale.reshaped(scaleShape), x.shape) { $0 * $1 }
    let length = runLength(x.shape)
    for (run, inverseDeviation) in inverseDeviations.enumerated() {
      let range = run * length..<(run + 1) * length
      var (sum, product) = (0.0, 0.0)
      for index in range {
        sum += Double(dx.elements[index])
        product += Double(dx.elements[index]) * Double(values.elements[index])
      }
      let (mean, share) = (S(sum / Double(length)), S(product / Double(length)))
      for index in range { dx.elements[index] = (dx.elements[index] - mean - values.elements[index] * share) * inverseDeviation }
    }
    let dScale = summed(broadcast(dy, values, x.shape) { $0 * $1 }, to: scaleShape).reshaped(scale.shape)
    var result: [NDArray<S>?] = [dx, dScale]
    if inputs.count > 2 {
      result.append(inputs[2].map { summed(dy, to: broadcastShape($0.shape, x.shape)).reshaped($0.shape) })
    }
    return result
  }

  /// x less its run's mean, divided by √(variance + epsilon), and the inverse of that root for each run. Sums are in Double.
  private func normalized<S>(_ x: NDArray<S>) -> (values: NDArray<S>, inverseDeviations: [S]) {
    var values = x
    var inverseDeviations: [S] = []
    let length = runLength(x.shape)
    for start in stride(from: 0, to: x.count, by: length) {
      let range = start..<start + length
      let mean = range.reduce(0.0) { $0 + Double(x.elements[$1]) } / Double(length)
      let variance = range.reduce(0.0) { $0 + (Double(x.elements[$1]) - mean) * (Double(x.elements[$1]) - mean) } / Double(length)
      let inverse = S(1 / (variance + Double(epsilon)).squareRoot())
      for index in range { values.elements[index] = (x.elements[index] - S(mean)) * inverse }
      inverseDeviations.append(inverse)
    }
    return (values, inverseDeviations)
  }
}

extension LayerNormalization: RunNormalization {
  func runLength(_ shape: [Int]) -> Int { Array(shape[(axis < 0 ? axis + shape.count : axis)...]).elementCount }
  func broadcastShape(_ parameter: [Int], _ shape: [Int]) -> [Int] { parameter }
}

extension InstanceNormalization: RunNormalization {
  func runLength(_ shape: [Int]) -> Int { Array(shape[2...]).elementCount }
  func broadcastShape(_ parameter: [Int], _ shape: [Int]) -> [Int] { parameter + shape[2...].map { _ in 1 } }
}

extension GroupNormalization: RunNormalization {
  func runLength(_ shape: [Int]) -> Int { Array(shape[1...]).elementCount / groups }
  func broadcastShape(_ parameter: [Int], _ shape: [Int]) -> [Int] { parameter + shape[2...].map { _ in 1 } }
}
