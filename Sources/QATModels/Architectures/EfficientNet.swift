import QATGraph

/// EfficientNet-B0, with torchvision's structure and names, but without stochastic depth, which is for training from nothing. Source: Tan and Le 2019, arXiv:1905.11946.
struct EfficientNet {
  /// Blocks of one resolution: hidden channels as a multiple of the input's, window, the first one's stride, output channels, how many.
  struct Stage {
    var expansion: Int
    var kernel: Int
    var stride: Int
    var channels: Int
    var blocks: Int

    init(_ expansion: Int, _ kernel: Int, _ stride: Int, _ channels: Int, _ blocks: Int) {
      (self.expansion, self.kernel, self.stride, self.channels, self.blocks) = (expansion, kernel, stride, channels, blocks)
    }
  }

  var net: NetworkBuilder

  /// torchvision's `efficientnet_b0`: 5.29 million parameters with 1000 classes.
  static func b0(_ options: ArchitectureOptions) -> Graph {
    let stages = [
      Stage(1, 3, 1, 16, 1), Stage(6, 3, 2, 24, 2), Stage(6, 5, 2, 40, 2), Stage(6, 3, 2, 80, 3), Stage(6, 5, 1, 112, 3), Stage(6, 5, 2, 192, 4),
      Stage(6, 3, 1, 320, 1),
    ]
    return network("efficientnet_b0", image: 224, stages, options)
  }

  static func network(_ name: String, image: Int, _ stages: [Stage], _ options: ArchitectureOptions) -> Graph {
    let model = EfficientNet(net: options.builder(name, input: [3, image, image]))
    return model.network(stem: 32, stages, last: 4 * (stages.last?.channels ?? 0), classes: options.classes)
  }

  private consuming func network(stem: Int, _ stages: [Stage], last: Int, classes: Int) -> Graph {
    var x = net.convolutionNorm(net.input, "features.0", channels: stem, kernel: 3, stride: 2, .silu)
    for (index, stage) in stages.enumerated() {
      for block in 0..<stage.blocks {
        x = invertedBottleneck(x, "features.\(index + 1).\(block)", stage, stride: block == 0 ? stage.stride : 1)
      }
    }
    x = net.convolutionNorm(x, "features.\(stages.count + 1)", channels: last, kernel: 1, .silu)
    x = net.dropout(net.flatten(net.globalAveragePool(x, "avgpool"), "flatten"), "classifier.0", ratio: 0.2)
    let bound = 1 / Float(max(classes, 1)).squareRoot()
    let scores = net.linear(x, "classifier.1", features: classes, weights: .uniform(bound: bound), bias: .constant(0))
    return net.graph(output: scores, named: "logits")
  }

  private mutating func invertedBottleneck(_ x: NetworkBuilder.Value, _ name: String, _ stage: Stage, stride: Int) -> NetworkBuilder.Value {
    let hidden = x.channels * stage.expansion
    var y = x
    var place = 0
    func next() -> String {
      defer { place += 1 }
      return "\(name).block.\(place)"
    }
    if hidden != x.channels { y = net.convolutionNorm(y, next(), channels: hidden, kernel: 1, .silu) }
    y = net.convolutionNorm(y, next(), channels: hidden, kernel: stage.kernel, stride: stride, groups: hidden, .silu)
    y = net.squeezeExcitation(y, next(), squeezed: max(1, x.channels / 4), activation: .silu, gate: .sigmoid)
    y = net.convolutionNorm(y, next(), channels: stage.channels, kernel: 1, nil)
    return stride == 1 && x.channels == stage.channels ? net.sum(y, x, "\(name).add") : y
  }
}
