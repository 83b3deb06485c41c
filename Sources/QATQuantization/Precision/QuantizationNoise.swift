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
    let layout = ObservedLayout(shape: weight.shape, axis: channelAxis, samples: 1)
    let grids: [Grid<Float>] = (0..<layout.channels).map { grid(parameters: lists, at: $0) }
    var sum = 0.0
    (weight.floats ?? []).withUnsafeBufferPointer { values in
      layout.forEachPiece(of: values) { channel, values in
        for value in values {
          let error = Double(grids[channel].value(value)) - Double(value)
          sum += error * error
        }
      }
    }
    return sum
  }
}
