import QATEngine
import QATGraph
import QATTensor

/// Single layers whose outputs lie on ties of rounding, or within two units in the last place of them: about every second one. Other networks see such
/// values once in a million outputs, so that only these tell formulas apart that differ in the order of two roundings.
enum TieDenseLayer: String, CaseIterable, Sendable {
  case pointwise, spatial, depthwise, pointwiseWithoutBias, linear, addition, multiplication, globalAverage, normalization, residual,
    residualOnPositive, residualWithoutBias

  /// Whether what the layer makes is never negative: its codes count from zero.
  static let rectified = [true, false]

  /// A network of one such layer between quantizers. With a ReLU behind the layer its zero point is 0, otherwise 128.
  ///
  /// With `hasPowersOfTwo` all steps are powers of two, and about half of all outputs lie exactly on ties.
  func graph(isRectified: Bool, size: Int = 32, seed: UInt64 = 1, hasPowersOfTwo: Bool = false) throws -> Graph {
    var net = QuantizedNetwork(channels: 8, size: size, seed: seed)
    net.hasPowersOfTwo = hasPowersOfTwo
    // Free scales: nothing about them is round.
    let input = hasPowersOfTwo ? 0x1p-6 : Float(0.0173) * (1 + 0.3 * net.random(1)[0])
    // Of a sum the branch's step is twice the skip's, and so is the result's, but for two units in the last place.
    let isResidual = [.residual, .residualOnPositive, .residualWithoutBias].contains(self)
    let output =
      hasPowersOfTwo ? (isResidual ? 0x1p-5 : 0x1p-4) : isResidual ? (input * 2).nextUp.nextUp : Float(0.0611) * (1 + 0.3 * net.random(1)[0])
    let image = net.quantizer("image", scale: input, signed: true)
    let made: TensorName
    switch self {
    case .pointwise: made = net.tieDense("layer", image, [8, 8, 1, 1], input: input, output: output, hasBias: true)
    case .pointwiseWithoutBias: made = net.tieDense("layer", image, [8, 8, 1, 1], input: input, output: output, hasBias: false)
    case .spatial, .residual, .residualOnPositive: made = net.tieDense("layer", image, [8, 8, 3, 3], input: input, output: output, hasBias: true)
    case .residualWithoutBias: made = net.tieDense("layer", image, [8, 8, 3, 3], input: input, output: output, hasBias: false)
    case .depthwise: made = net.tieDense("layer", image, [8, 1, 3, 3], input: input, output: output, hasBias: true)
    case .linear:
      let pooled = net.node("pool", MaxPool(window: Window(square: size)), image)
      made = net.tieDense("layer", net.node("flatten", Flatten(), pooled), [4096, 8], input: input, output: output, hasBias: true)
    case .addition, .multiplication:
      // The second operand is the first with its grid moved, on a scale that makes ties of most sums.
      let other = net.quantizer("image", scale: self == .addition ? input * (hasPowersOfTwo ? 4 : 3) : input, signed: true, named: "other")
      made = self == .addition ? net.node("layer", Add(), image, other) : net.node("layer", Mul(), image, other)
    case .normalization: made = net.tieDenseNorm("layer", image, input: input, output: output)
    case .globalAverage: made = net.node("layer", GlobalAveragePool(), image)
    }
    if isResidual {
      let skip =
        self == .residual
        ? image : net.quantizer(net.node("positive", Relu(), "image"), scale: input, signed: false)
      let sum = net.node("sum", Add(), net.quantizer(made, scale: output, signed: true), skip)
      let result = net.quantizer(
        isRectified ? net.node("relu", Relu(), sum) : sum, scale: hasPowersOfTwo ? input * 2 : (input * 2).nextDown, signed: !isRectified)
      return net.returning(result)
    }
    let rectifiedOutput = isRectified ? net.node("relu", Relu(), made) : made
    let step: Float =
      switch self {
      case .addition: input * 2
      case .multiplication: input * input * 2 * (hasPowersOfTwo ? 16 : 17)
      case .globalAverage: input * 2 / Float(size * size) * (hasPowersOfTwo ? 32 : 37)
      default: output
      }
    let quantized = net.quantizer(rectifiedOutput, scale: step, signed: !isRectified)
    return net.returning(quantized)
  }
}

extension QuantizedNetwork {
  /// An activation quantizer of the given scale.
  mutating func quantizer(_ input: TensorName, scale: Float, signed: Bool, bits: Int = 8, named name: String? = nil) -> TensorName {
    let id = name ?? "\(input)|OUTPUT"
    let op = FakeQuantize(mode: .symmetric(signed: signed), bits: bits, hasPowerOfTwoStep: hasPowersOfTwo)
    return node(id, op, input, parameter("\(id).scale", [scale * Float(op.levelHigh)], [1]))
  }

  /// A layer of small weight codes whose accumulator step is half the output's, or an odd multiple of a quarter, up to two units in the last place.
  mutating func tieDense(_ name: String, _ input: TensorName, _ shape: [Int], input s: Float, output: Float, hasBias: Bool) -> TensorName {
    let inner = shape.dropFirst().elementCount
    let op = FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0, hasPowerOfTwoStep: hasPowersOfTwo)
    let multiples: [Float] = hasPowersOfTwo ? [0.5, 0.25, 0.125, 0.5] : [0.5, 0.25, 0.75, 1.5]
    var scales: [Float] = []
    for (channel, noise) in random(shape[0]).enumerated() {
      var scale = multiples[channel % multiples.count] * output / s
      for _ in 0..<Int(abs(noise) * 3) where !hasPowersOfTwo { scale = noise < 0 ? scale.nextDown : scale.nextUp }
      scales.append(scale)
    }
    // Codes of −2...2: sums stay within the range of the output.
    let values = random(shape.elementCount).enumerated().map { (($1 * 2.5).rounded()) * scales[$0 / inner] }
    let weight = node(
      "\(name)|WEIGHT", op, parameter("\(name).weight", values, shape), parameter("\(name)|WEIGHT.scale", scales.map { $0 * 127 }, [shape[0]]))
    let layer: any Operator =
      switch shape.count {
      case 2: Gemm(transposesB: true)
      default: Convolution(window: Window(square: shape[3], pad: shape[3] / 2), groups: shape[1] == 1 ? shape[0] : 1)
      }
    guard hasBias else { return node(name, layer, input, weight) }
    let biases = zip(random(shape[0]), scales).map { ($0 * 40).rounded() * $1 * s }
    return node(name, layer, input, weight, parameter("\(name).bias", biases, [shape[0]]))
  }

  /// A batch norm of 8 channels that makes half, quarter or odd multiples of a quarter of the output's step from the input's, up to units in the last place.
  mutating func tieDenseNorm(_ name: String, _ input: TensorName, input s: Float, output: Float) -> TensorName {
    let multiples: [Float] = [0.5, 0.25, 0.75, 1.5]
    let noise = random(16)
    let means = random(8).map { $0 * 0.3 }
    let variances = random(8).map { 0.6 + 0.4 * $0 }
    let offsets = random(8).map { ($0 * 20).rounded() }
    var (gammas, betas): ([Float], [Float]) = ([], [])
    for channel in 0..<8 {
      let factor = multiples[channel % 4] * output / s
      var gamma = factor * (variances[channel] + BatchNormalization().epsilon).squareRoot()
      for _ in 0..<Int(abs(noise[channel]) * 3) { gamma = noise[channel] < 0 ? gamma.nextDown : gamma.nextUp }
      var beta = offsets[channel] * output + means[channel] * factor
      for _ in 0..<Int(abs(noise[8 + channel]) * 3) { beta = noise[8 + channel] < 0 ? beta.nextDown : beta.nextUp }
      gammas.append(gamma)
      betas.append(beta)
    }
    return node(
      name, BatchNormalization(), input, parameter("\(name).weight", gammas, [8]), parameter("\(name).bias", betas, [8]),
      parameter("\(name).running_mean", means, [8], .statistic), parameter("\(name).running_var", variances, [8], .statistic))
  }

  /// Images whose codes at `scale` are small, so that sums of products stay within a byte.
  mutating func smallImages(_ count: Int, scale: Float, largest: Int = 20) -> NDArray<Float> {
    let shape = graph.inputs[0].type.shape(batchSize: count)
    return NDArray(random(shape.elementCount).map { $0 * Float(largest) * scale }, shape: shape)
  }
}
