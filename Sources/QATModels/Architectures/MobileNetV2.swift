import QATGraph

/// Networks of inverted residuals with linear bottlenecks, with torchvision's names. Source: Sandler et al. 2018, arXiv:1801.04381.
struct MobileNetV2 {
  /// Blocks of one resolution: hidden channels as a multiple of the input's, output channels, how many, and the first one's stride.
  struct Stage {
    var expansion: Int
    var channels: Int
    var blocks: Int
    var stride: Int
  }

  var net: NetworkBuilder

  /// MobileNetV2 for 224×224 colour images: torchvision's `mobilenet_v2`, 3.50 million parameters and 0.30 billion multiply-adds with 1000 classes.
  static func standard(_ options: ArchitectureOptions) -> Graph {
    let stages = [
      Stage(expansion: 1, channels: 16, blocks: 1, stride: 1), Stage(expansion: 6, channels: 24, blocks: 2, stride: 2),
      Stage(expansion: 6, channels: 32, blocks: 3, stride: 2), Stage(expansion: 6, channels: 64, blocks: 4, stride: 2),
      Stage(expansion: 6, channels: 96, blocks: 3, stride: 1), Stage(expansion: 6, channels: 160, blocks: 3, stride: 2),
      Stage(expansion: 6, channels: 320, blocks: 1, stride: 1),
    ]
    let model = MobileNetV2(net: options.builder("mobilenet_v2", input: [3, 224, 224]))
    return model.network(stem: 32, stages: stages, last: 1280, dropout: 0.2, classes: options.classes)
  }

  /// A MobileNetV2 of 2.6 million multiply-adds for 28×28 grey images.
  static func small(_ options: ArchitectureOptions) -> Graph {
    let stages = [
      Stage(expansion: 1, channels: 16, blocks: 1, stride: 1), Stage(expansion: 4, channels: 24, blocks: 2, stride: 1),
      Stage(expansion: 4, channels: 40, blocks: 2, stride: 2), Stage(expansion: 4, channels: 64, blocks: 2, stride: 2),
    ]
    let model = MobileNetV2(net: options.builder("mobilenet_small", input: [1, 28, 28]))
    return model.network(stem: 16, stages: stages, last: 128, dropout: nil, classes: options.classes)
  }

  private consuming func network(stem: Int, stages: [Stage], last: Int, dropout: Float?, classes: Int) -> Graph {
    var x = convolutionNormRelu6(net.input, "features.0", channels: stem, kernel: 3, stride: 2)
    var index = 1
    for stage in stages {
      for block in 0..<stage.blocks {
        x = invertedResidual(
          x, "features.\(index)", channels: stage.channels, stride: block == 0 ? stage.stride : 1, expansion: stage.expansion)
        index += 1
      }
    }
    x = convolutionNormRelu6(x, "features.\(index)", channels: last, kernel: 1)
    x = net.flatten(net.globalAveragePool(x, "avgpool"), "flatten")
    if let dropout { x = net.dropout(x, "classifier.0", ratio: dropout) }
    let scores = net.linear(x, "classifier.1", features: classes, weights: .normal(deviation: 0.01), bias: .constant(0))
    return net.graph(output: scores, named: "logits")
  }

  private mutating func convolutionNormRelu6(
    _ x: NetworkBuilder.Value, _ name: String, channels: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) -> NetworkBuilder.Value {
    net.convolutionNorm(x, name, channels: channels, kernel: kernel, stride: stride, groups: groups, .relu6)
  }

  /// Widens by `expansion`, filters each channel by itself, and narrows without an activation; adds x when the shapes agree.
  private mutating func invertedResidual(
    _ x: NetworkBuilder.Value, _ name: String, channels: Int, stride: Int, expansion: Int
  ) -> NetworkBuilder.Value {
    let hidden = x.channels * expansion
    var y = x
    var layer = 0
    if expansion != 1 {
      y = convolutionNormRelu6(y, "\(name).conv.\(layer)", channels: hidden, kernel: 1)
      layer += 1
    }
    y = convolutionNormRelu6(y, "\(name).conv.\(layer)", channels: hidden, kernel: 3, stride: stride, groups: hidden)
    y = net.convolution(y, "\(name).conv.\(layer + 1)", channels: channels, kernel: 1)
    y = net.batchNormalization(y, "\(name).conv.\(layer + 2)")
    return stride == 1 && x.channels == channels ? net.sum(x, y, "\(name).add") : y
  }
}
