import QATGraph
import QATTensor

extension FakeQuantize {
  /// Σ (Q(w) − w)² over the elements of a weight, in double precision.
  /// - Parameters:
  ///   - weight: the weight.
  ///   - parameters: the quantizer's parameters.
  /// - Returns: the sum.
  func squaredError(on weight: Tensor, _ parameters: [Tensor]) -> Double {
    let lists = parameters.map { $0.floats ?? [] }
    let grids: [Grid<Float>] = (lists.first ?? []).indices.map { grid(parameters: lists, at: $0) }
    let values = weight.floats ?? []
    return zip(quantized(values, shape: weight.shape, grids), values).reduce(0) { sum, pair in
      let error = Double(pair.0) - Double(pair.1)
      return sum + error * error
    }
  }
}
