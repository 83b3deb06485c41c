import QATGraph

/// MobileNetV3, with torchvision's structure and names. Source: Howard et al. 2019, arXiv:1905.02244.
struct MobileNetV3 {
  /// An inverted residual: window, hidden channels, output channels, whether channels are weighed, whether the activation is the hard swish, stride.
  struct Block {
    var kernel: Int
    var hidden: Int
    var channels: Int
    var excites: Bool
    var isHard: Bool
    var stride: Int

    init(_ kernel: Int, _ hidden: Int, _ channels: Int, _ excites: Bool, _ isHard: Bool, _ stride: Int) {
      (self.kernel, self.hidden, self.channels) = (kernel, hidden, channels)
      (self.excites, self.isHard, self.stride) = (excites, isHard, stride)
    }
  }

  var net: NetworkBuilder

  /// torchvision's `mobilenet_v3_small`: 2.54 million parameters with 1000 classes.
  static func small(_ options: ArchitectureOptions) -> Graph {
    let blocks = [
      Block(3, 16, 16, true, false, 2), Block(3, 72, 24, false, false, 2), Block(3, 88, 24, false, false, 1), Block(5, 96, 40, true, true, 2),
      Block(5, 240, 40, true, true, 1), Block(5, 240, 40, true, true, 1), Block(5, 120, 48, true, true, 1), Block(5, 144, 48, true, true, 1),
      Block(5, 288, 96, true, true, 2), Block(5, 576, 96, true, true, 1), Block(5, 576, 96, true, true, 1),
    ]
    return MobileNetV3(net: options.builder("mobilenet_v3_small", input: [3, 224, 224])).network(blocks, last: 1024, classes: options.classes)
  }

  /// torchvision's `mobilenet_v3_large`: 5.48 million parameters with 1000 classes.
  static func large(_ options: ArchitectureOptions) -> Graph {
    let blocks = [
      Block(3, 16, 16, false, false, 1), Block(3, 64, 24, false, false, 2), Block(3, 72, 24, false, false, 1), Block(5, 72, 40, true, false, 2),
      Block(5, 120, 40, true, false, 1), Block(5, 120, 40, true, false, 1), Block(3, 240, 80, false, true, 2), Block(3, 200, 80, false, true, 1),
      Block(3, 184, 80, false, true, 1), Block(3, 184, 80, false, true, 1), Block(3, 480, 112, true, true, 1), Block(3, 672, 112, true, true, 1),
      Block(5, 672, 160, true, true, 2), Block(5, 960, 160, true, true, 1), Block(5, 960, 160, true, true, 1),
    ]
    return MobileNetV3(net: options.builder("mobilenet_v3_large", input: [3, 224, 224])).network(blocks, last: 1280, classes: options.classes)
  }

  private consuming func network(_ blocks: [Block], last: Int, classes: Int) -> Graph {
    var x = layer(net.input, "features.0", channels: 16, kernel: 3, stride: 2, .hardSwish)
    for (index, block) in blocks.enumerated() { x = invertedResidual(x, "features.\(index + 1)", block) }
    x = layer(x, "features.\(blocks.count + 1)", channels: 6 * x.channels, kernel: 1, .hardSwish)
    x = net.flatten(net.globalAveragePool(x, "avgpool"), "flatten")
    x = net.linear(x, "classifier.0", features: last, weights: .normal(deviation: 0.01), bias: .constant(0))
    x = net.dropout(net.hardSwish(x, "classifier.1"), "classifier.2", ratio: 0.2)
    let scores = net.linear(x, "classifier.3", features: classes, weights: .normal(deviation: 0.01), bias: .constant(0))
    return net.graph(output: scores, named: "logits")
  }

  private mutating func layer(
    _ x: NetworkBuilder.Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, _ activation: NetworkBuilder.Activation?
  ) -> NetworkBuilder.Value {
    net.convolutionNorm(x, name, channels: channels, kernel: kernel, stride: stride, groups: groups, epsilon: 1e-3, momentum: 0.99, activation)
  }

  private mutating func invertedResidual(_ x: NetworkBuilder.Value, _ name: String, _ block: Block) -> NetworkBuilder.Value {
    let activation: NetworkBuilder.Activation = block.isHard ? .hardSwish : .relu
    var y = x
    var place = 0
    func next() -> String {
      defer { place += 1 }
      return "\(name).block.\(place)"
    }
    if block.hidden != x.channels { y = layer(y, next(), channels: block.hidden, kernel: 1, activation) }
    y = layer(y, next(), channels: block.hidden, kernel: block.kernel, stride: block.stride, groups: block.hidden, activation)
    if block.excites {
      let squeezed = Self.divisible(block.hidden / 4, by: 8)
      y = net.squeezeExcitation(y, next(), squeezed: squeezed, activation: .relu, gate: .hardSigmoid)
    }
    y = layer(y, next(), channels: block.channels, kernel: 1, nil)
    return block.stride == 1 && x.channels == block.channels ? net.sum(y, x, "\(name).add") : y
  }

  /// The multiple of a divisor that is nearest, but not more than a tenth below.
  private static func divisible(_ value: Int, by divisor: Int) -> Int {
    let nearest = max(divisor, (value + divisor / 2) / divisor * divisor)
    return 10 * nearest < 9 * value ? nearest + divisor : nearest
  }
}
