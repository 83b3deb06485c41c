import QATGraph
import QATTensor

/// The last step: scales become float32, biases int32.
extension Lowering {
  /// The smallest scale of an accumulator: products and quotients with it stay normal numbers.
  private static let smallestAccumulatorScale: Float = 1e-30
  /// Bias codes stay below this magnitude, so that an accumulator of 32 bits holds bias and products.
  private static let biasLimit = 0x1p30

  /// The lowered network.
  consuming func finished() throws(LoweringError) -> LoweredGraph {
    var weights = tables
    for (name, table) in tables { constants[name] = Graph.Constant(table.values, .parameter) }
    var biases: [TensorName: QuantizedBias] = [:]
    for layer in layers {
      let (weight, bias) = rounded(layer)
      weights[layer.weightName] = weight
      constants[layer.weightName] = Graph.Constant(weight.values, .parameter)
      if let bias, let name = layer.biasName {
        biases[name] = bias
        constants[name] = Graph.Constant(bias.values, .parameter)
      }
    }
    var simulation = source
    simulation.nodes = nodes
    simulation.constants = [:]
    for name in nodes.flatMap(\.inputs) + source.outputs { simulation.constants[name] = constants[name] ?? source.constants[name] }
    do throws(GraphError) {
      try simulation.validated()
    } catch {
      throw LoweringError(node: error.node, "the lowered network is inconsistent: \(error.reason)")
    }
    let integerLayers = layers.map {
      LoweredGraph.IntegerLayer(
        name: $0.name, type: type(of: $0.op).type, input: $0.input, weight: $0.weightName, bias: $0.biasName, output: $0.output)
    }
    let order = Dictionary(nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    return LoweredGraph(
      simulation: simulation, activations: activations, weights: weights, biases: biases, integerLayers: integerLayers,
      floatOperators: floatOperators(in: simulation), adjustments: adjustments.sorted { order[$0.node, default: 0] < order[$1.node, default: 0] })
  }

  /// A layer's weight and bias as files store them. A bias code is rint(bias / S) with S = input scale · weight scale in float32.
  private mutating func rounded(_ layer: PendingLayer) -> (QuantizedWeight, QuantizedBias?) {
    let inputScale = activations[layer.input]?.scale ?? 1
    var weight = layer.weight
    var scales: [Float] = []
    for (channel, exact) in layer.scales.enumerated() {
      var scale = FakeQuantize.storedStep(Float(exact), bits: weight.bits)
      let magnitude = abs(layer.bias?[channel] ?? 0)
      if inputScale * scale < Self.smallestAccumulatorScale || magnitude / Double(inputScale * scale) >= Self.biasLimit {
        // A hair more than needed, so that the float32 products below stay on the right side.
        let needed = Swift.max(magnitude / Self.biasLimit, Double(Self.smallestAccumulatorScale)) * (1 + 0x1p-20)
        scale = FakeQuantize.storedStep(Float(needed / Double(inputScale)), bits: weight.bits)
        // A power of two stays one.
        if exact.significand == 1 { scale = Float(sign: .plus, exponent: scale.exponent + 1, significand: 1) }
        weight.mapCodes(ofChannel: channel) { Int((Double($0) * exact / Double(scale)).rounded(.toNearestOrEven)) }
        adjustments.append(
          .init(
            node: layer.name,
            reason: "channel \(channel) has the weight scale \(exact), too small for its bias to fit 32 bits: the scale becomes \(scale)"))
      }
      scales.append(scale)
    }
    // Equal scales are one: a file with a scalar is smaller.
    if let first = scales.first, scales.allSatisfy({ $0 == first }) { scales = [first] }
    let result = QuantizedWeight(shape: weight.shape, codes: weight.codes, scales: scales, channelAxis: weight.channelAxis, bits: weight.bits)
    let biasScales = scales.map { inputScale * $0 }
    let bias = layer.bias.map { values in
      QuantizedBias(
        codes: values.enumerated().map { Int32(RoundBias.code($1 / Double(biasScales[$0 % biasScales.count]))) }, scales: biasScales)
    }
    return (result, bias)
  }
}
