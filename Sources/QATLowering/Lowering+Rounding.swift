import QATGraph
import QATTensor

/// The last step: scales become float32, biases int32.
extension Lowering {
  /// The smallest scale of an accumulator: products and quotients with it stay normal numbers.
  private static let smallestAccumulatorScale: Float = 1e-30
  /// Bias codes stay below this magnitude, so that an accumulator of 32 bits holds bias and products.
  private static let biasLimit = 0x1p30
  /// Significant bits of a bias code: as many as its float32 value, read from a file, gives back whatever the scale.
  private static let biasBits = 22
  /// The quantizer as which int8 weights are read from a file: their scales are steps that it has, so that reading and writing a file changes nothing.
  private static let bytes = FakeQuantize(mode: .symmetric(signed: true), narrowRange: true)
  /// The one as which weights of four bits are read.
  private static let halves = FakeQuantize(mode: .symmetric(signed: true), bits: 4, narrowRange: true)

  /// The step next to `exact` that the quantizers have as which files store a weight of `bits` bits.
  private static func representable(_ exact: Float, bits: Int) -> Float {
    var step = bytes.representable(step: exact)
    // Every eighth step or so is none of the other quantizer's.
    for _ in 0..<16 where bits <= 4 && halves.representable(step: step) != step { step = bytes.representable(step: step.nextUp) }
    return step
  }

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
      var scale = Self.representable(Float(exact), bits: weight.bits)
      let magnitude = abs(layer.bias?[channel] ?? 0)
      if inputScale * scale < Self.smallestAccumulatorScale || magnitude / Double(inputScale * scale) >= Self.biasLimit {
        // A hair more than needed, so that the float32 products below stay on the right side.
        let needed = Swift.max(magnitude / Self.biasLimit, Double(Self.smallestAccumulatorScale)) * (1 + 0x1p-20)
        scale = Self.representable(Float(needed / Double(inputScale)), bits: weight.bits)
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
        codes: values.enumerated().map { Self.biasCode($1 / Double(biasScales[$0 % biasScales.count])) }, scales: biasScales)
    }
    return (result, bias)
  }

  /// The nearest whole number of at most `biasBits` significant bits.
  private static func biasCode(_ value: Double) -> Int32 {
    let excess = value == 0 ? 0 : Int(value.exponent) + 1 - biasBits
    guard excess > 0 else { return Int32(value.rounded(.toNearestOrEven)) }
    let unit = Double(sign: .plus, exponent: excess, significand: 1)
    return Int32((value / unit).rounded(.toNearestOrEven) * unit)
  }
}
