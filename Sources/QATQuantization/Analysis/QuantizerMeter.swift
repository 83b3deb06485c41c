import QATGraph

/// Measures what one fake quantizer does to values.
struct QuantizerMeter {
  /// The quantizer's name.
  let id: String
  /// The tensor that it reads.
  let input: TensorName
  private let quantizer: FakeQuantize
  private let grids: [FakeQuantize.Grid<Float>]

  /// A meter of a node; nil when it is no fake quantizer, or its parameters are not known.
  init?(_ node: Node, _ graph: Graph) {
    guard let quantizer = node.as(FakeQuantize.self) else { return nil }
    let parameters = node.inputs.dropFirst().compactMap { graph.tensor($0)?.floats }
    guard parameters.count == node.inputs.count - 1, let count = parameters.first?.count, parameters.allSatisfy({ $0.count == count }) else {
      return nil
    }
    id = node.name
    input = node.inputs[0]
    self.quantizer = quantizer
    grids = (0..<count).map { quantizer.grid(parameters: parameters, at: $0) }
  }

  /// Quantizes values, row-major in `shape`, and adds up what that does to them.
  func measure(_ values: UnsafeBufferPointer<Float>, shape: [Int]) -> QuantizationNoiseReport.Quantizer {
    var result = QuantizationNoiseReport.Quantizer()
    result.count = values.count
    // What is limited together is quantized together; anything else value by value, without a copy.
    let limited = quantizer.pairing.map { _ in quantizer.quantized(Array(values), shape: shape, grids) }
    quantizer.forEachRun(shape) { channel, run in
      let grid = grids[channel]
      let (low, high) = (grid.low - grid.step / 2, grid.high + grid.step / 2)
      for index in run {
        let value = values[index]
        result.noise.add(value, became: limited?[index] ?? grid.value(value))
        if value < low || value > high { result.clippedCount += 1 }
      }
    }
    return result
  }
}
