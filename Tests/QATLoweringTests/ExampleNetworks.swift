import QATGraph
import QATTensor

/// Networks with the structures that lowering and exporters treat specially.
enum ExampleNetwork: String, CaseIterable, Sendable {
  case convolutions, residual, depthwise, depthwisePerChannel, concat, asymmetric, signedBehindRelu, wideClip, fewBits, linearOnly

  func graph(halfRange: Bool = true, seed: UInt64 = 1) throws -> Graph {
    var net = QuantizedNetwork(channels: self == .linearOnly ? 12 : 3, size: self == .linearOnly ? 1 : 12, seed: seed)
    net.halfRange = halfRange
    if self == .linearOnly { return try Self.linear(&net) }
    let image = try net.quantize("image")
    switch self {
    case .convolutions, .linearOnly:
      // The first channels are those that a fold must treat: gamma negative, and gamma zero.
      var x = try net.relu("relu1", net.batchNorm("bn1", net.convolution("conv1", image, outputs: 8), gamma: [-0.7, 0, -1.3]))
      x = net.node("pool1", MaxPool(window: Window(square: 2, stride: 2)), try net.quantize(x))
      x = try net.quantize(net.relu("relu2", net.batchNorm("bn2", net.convolution("conv2", x, outputs: 16, bias: true))))
      return try net.classified(x)
    case .residual:
      let x = try net.quantize(net.relu("relu1", net.batchNorm("bn1", net.convolution("conv1", image, outputs: 8), gamma: [-0.7])))
      var branch = try net.quantize(net.relu("relu2", net.batchNorm("bn2", net.convolution("conv2", x, outputs: 8))))
      branch = try net.quantize(net.batchNorm("bn3", net.convolution("conv3", branch, outputs: 8)))
      return try net.classified(net.quantize(net.relu("relu3", net.node("add", Add(), branch, x))))
    case .depthwise, .depthwisePerChannel, .asymmetric, .wideClip:
      let mode: FakeQuantize.Mode? = self == .asymmetric ? .asymmetric : nil
      let perChannel = self == .depthwisePerChannel
      // A quantizer that reaches beyond 6 leaves the clip something to do.
      let shrink: Float = self == .wideClip ? 1.3 : 0.9
      let gamma: [Float] = self == .wideClip ? [9, 9, 9, 9, 9] : [-0.7, 0]
      var x = try net.clip6("clip1", net.batchNorm("bn1", net.convolution("conv1", image, outputs: 8, stride: 2), gamma: gamma))
      x = try net.quantize(x, mode: mode, perChannel: perChannel, shrink: shrink)
      x = try net.clip6("clip2", net.batchNorm("bn2", net.convolution("conv2", x, outputs: 8, groups: 8), gamma: [1, -0.5]))
      x = try net.quantize(net.batchNorm("bn3", net.convolution("conv3", net.quantize(x, mode: mode), outputs: 4, kernel: 1)), mode: mode)
      let skip = x
      x = try net.quantize(net.clip6("clip4", net.batchNorm("bn4", net.convolution("conv4", x, outputs: 24, kernel: 1))), perChannel: perChannel)
      x = try net.quantize(net.clip6("clip5", net.batchNorm("bn5", net.convolution("conv5", x, outputs: 24, groups: 24))))
      x = try net.quantize(net.batchNorm("bn6", net.convolution("conv6", x, outputs: 4, kernel: 1)), mode: mode)
      return try net.classified(net.quantize(net.node("add", Add(), skip, x), mode: mode))
    case .concat:
      let left = try net.quantize(net.relu("relu1", net.batchNorm("bn1", net.convolution("conv1", image, outputs: 4))))
      let right = try net.quantize(net.relu("relu2", net.batchNorm("bn2", net.convolution("conv2", image, outputs: 4))))
      // One set of parameters for both, as a unified quantizer.
      net.unify(left, right)
      let x = try net.convolution("conv3", net.node("concat", Concat(axis: 1), left, right), outputs: 8)
      return try net.classified(net.quantize(net.relu("relu3", x)))
    case .signedBehindRelu:
      let x = try net.quantize(net.relu("relu1", net.convolution("conv1", image, outputs: 8)), mode: .symmetric(signed: true))
      return try net.classified(net.quantize(net.relu("relu2", net.convolution("conv2", x, outputs: 8))))
    case .fewBits:
      let x = try net.quantize(net.relu("relu1", net.convolution("conv1", image, outputs: 8)), bits: 4)
      return try net.classified(net.quantize(net.relu("relu2", net.convolution("conv2", x, outputs: 8))))
    }
  }

  /// Layers that are written with MatMul, with and without a bias.
  private static func linear(_ net: inout QuantizedNetwork) throws -> Graph {
    var x = net.node("flatten", Flatten(), "image")
    x = try net.quantize(x)
    x = net.node("fc1", MatMul(), x, net.quantizedWeight("fc1", [12, 16], axis: 1))
    x = net.node("fc1_bias", Add(), x, net.parameter("fc1.bias", net.random(16), [16]))
    x = try net.quantize(net.relu("relu1", x))
    x = net.node("fc2", MatMul(), x, net.quantizedWeight("fc2", [16, 10], axis: 1))
    return net.returning(x)
  }
}

extension QuantizedNetwork {
  mutating func relu(_ name: String, _ input: TensorName) throws -> TensorName { node(name, Relu(), input) }

  mutating func clip6(_ name: String, _ input: TensorName) throws -> TensorName { node(name, Clip(lower: 0, upper: 6), input) }

  /// A mean over the image, and a linear layer with ten outputs.
  mutating func classified(_ input: TensorName) throws -> Graph {
    let pooled = node("pool", ReduceMean(axes: [2, 3], keepsDimensions: false), input)
    let logits = try linear("fc", quantize(pooled), outputs: 10)
    return returning(logits)
  }

  /// Gives the second quantizer the parameters of the first.
  mutating func unify(_ first: TensorName, _ second: TensorName) {
    let scale = graph.nodes.first { $0.outputs == [first] }?.inputs[1] ?? ""
    replaceScale(of: second, by: scale)
  }
}
