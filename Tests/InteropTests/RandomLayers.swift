import QATEngine
import QATGraph
import QATTensor

/// A network of integer layers that have nothing to do with each other but their input: shapes, groups, scales, bits and weights are drawn, and often extreme.
struct RandomLayers {
  /// What keeps sums of two products in 16 bits.
  enum OverflowFix: CaseIterable {
    case pairwise, halfRange, none
  }

  static let layersOfANetwork = 10
  static let imageCount = 4

  private(set) var net: QuantizedNetwork
  private let fix: OverflowFix
  private let channels: Int
  private let size: Int
  private let isSigned: Bool
  private let inputScale: Float
  private let inputBits: Int

  init(seed: UInt64, _ fix: OverflowFix) {
    self.fix = fix
    var numbers = QuantizedNetwork(channels: 1, size: 1, seed: seed &* 7919 &+ 1)
    channels = numbers.integer(in: 1...20)
    size = numbers.integer(in: 3...8)
    isSigned = numbers.integer(in: 0...1) == 1
    inputScale = numbers.scale()
    inputBits = [8, 8, 8, 4, 2][numbers.integer(in: 0...4)]
    net = QuantizedNetwork(channels: channels, size: size, seed: seed)
  }

  /// The network; its outputs are the quantized outputs of its layers.
  mutating func graph() throws -> Graph {
    let image = net.quantizer("image", scale: inputScale, signed: isSigned, bits: inputBits)
    let flat = net.node("flat", Flatten(axis: 1), image)
    let outputs = try (0..<Self.layersOfANetwork).map { index in
      let isLinear = net.integer(in: 0...4) == 0
      let (layer, step) = isLinear ? linear("layer\(index)", flat) : try convolution("layer\(index)", image)
      // Of the sums that occur some are beyond the codes and most are not.
      return net.quantizer(layer, scale: step, signed: true)
    }
    var result = net.graph
    result.outputs = outputs
    return result
  }

  /// Images whose codes are drawn from all there are; of the first one all are the highest, so that sums are as large as they can be.
  mutating func images() -> NDArray<Float> {
    let shape = [Self.imageCount, channels, size, size]
    let grid = FakeQuantize(mode: .symmetric(signed: isSigned), bits: inputBits)
    let (low, high) = (Float(grid.levelLow), Float(grid.levelHigh))
    let plane = shape.dropFirst().elementCount
    let codes = net.random(shape.elementCount).enumerated().map { index, x in
      index < plane ? high : (low + (x + 1) / 2 * (high - low)).rounded()
    }
    return NDArray(codes.map { $0 * inputScale }, shape: shape)
  }

  private mutating func convolution(_ name: String, _ input: TensorName) throws -> (TensorName, step: Float) {
    let divisors = (1...channels).filter { channels.isMultiple(of: $0) }
    let groups = net.integer(in: 0...1) == 0 ? 1 : divisors[net.integer(in: 0...divisors.count - 1)]
    let outputs = groups * net.integer(in: 1...(groups == channels ? 2 : 6))
    let kernel = [net.integer(in: 1...3), net.integer(in: 1...3)]
    let dilations = kernel.map { $0 > 1 && size >= 5 ? net.integer(in: 1...2) : 1 }
    let pads = kernel.map { net.integer(in: 0...$0 / 2) }
    let window = Window(kernel: kernel, strides: [net.integer(in: 1...2), net.integer(in: 1...2)], pads: pads + pads, dilations: dilations)
    return layer(name, Convolution(window: window, groups: groups), input, [outputs, channels / groups] + kernel)
  }

  private mutating func linear(_ name: String, _ input: TensorName) -> (TensorName, step: Float) {
    layer(name, Gemm(transposesB: true), input, [net.integer(in: 1...24), channels * size * size])
  }

  private mutating func layer(_ name: String, _ op: any Operator, _ input: TensorName, _ shape: [Int]) -> (TensorName, step: Float) {
    let inner = shape.dropFirst().elementCount
    let scales = (0..<shape[0]).map { _ in net.scale() }
    let kind = net.integer(in: 0...3)
    let codes = net.random(shape.elementCount).map { x -> Float in
      switch kind {
      case 0: 127 * x
      case 1: x < -0.9 ? -127 : 127
      case 2: x < 0 ? -127 : 127
      default: 300 * x * x * x
      }
    }
    // Of fewer bits nothing overflows: fixes are for 8.
    let bits = [8, 8, 8, 8, 4, 3, 2][net.integer(in: 0...6)]
    var quantizer = FakeQuantize(
      mode: .symmetric(signed: true), bits: bits, narrowRange: bits == 8 && fix != .halfRange, halfRange: bits == 8 && fix == .halfRange,
      channelAxis: 0)
    if fix == .pairwise, bits == 8 {
      quantizer.pairing = Node(name: name, op: op, inputs: [input, "w"], outputs: ["y"]).weightPairing(port: 1, shape: shape)
    }
    let shrink = Float(quantizer.levelHigh) / 127
    let values = codes.enumerated().map { $1 * (bits < 8 ? shrink : 1) * scales[$0 / inner] }
    let weight = net.node(
      "\(name)|WEIGHT", quantizer, net.parameter("\(name).weight", values, shape),
      net.parameter("\(name)|WEIGHT.scale", scales.map { $0 * Float(quantizer.levelHigh) }, [shape[0]]))
    let largest = (scales.max() ?? 1) * inputScale
    let bias = net.parameter("\(name).bias", net.random(shape[0]).map { $0 * largest * Float(30 * quantizer.levelHigh) }, [shape[0]])
    let reach = Float(inner * quantizer.levelHigh) * (inputBits == 8 ? 1 : Float(1 << inputBits) / 256)
    return (net.node(name, op, input, weight, bias), largest * reach * [0.15, 0.5, 1][net.integer(in: 0...2)])
  }
}

extension QuantizedNetwork {
  mutating func integer(in range: ClosedRange<Int>) -> Int {
    min(range.lowerBound + Int((random(1)[0] + 1) / 2 * Float(range.count)), range.upperBound)
  }

  /// A scale between 10⁻⁴ and 10⁻¹, evenly in its logarithm.
  mutating func scale() -> Float {
    var scale: Float = 1e-4
    for _ in 0..<integer(in: 0...29) { scale *= 1.2589 }
    return scale * (1 + random(1)[0] * 0.1)
  }
}
