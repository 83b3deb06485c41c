import QATGraph

/// Residual networks, with torchvision's structure and names. Source: He et al. 2015, arXiv:1512.03385.
struct ResNet {
  var net: NetworkBuilder
  /// Whether blocks are bottlenecks.
  let isDeep: Bool

  /// torchvision's `resnet18` for 224×224 colour images: 11.69 million parameters and 1.81 billion multiply-adds with 1000 classes.
  static func resnet18(_ options: ArchitectureOptions) -> Graph { standard("resnet18", blocks: [2, 2, 2, 2], isDeep: false, options) }

  /// torchvision's `resnet34`: 21.80 million parameters.
  static func resnet34(_ options: ArchitectureOptions) -> Graph { standard("resnet34", blocks: [3, 4, 6, 3], isDeep: false, options) }

  /// torchvision's `resnet50`, of bottlenecks whose stride is in the window of 3×3: 25.56 million parameters.
  static func resnet50(_ options: ArchitectureOptions) -> Graph { standard("resnet50", blocks: [3, 4, 6, 3], isDeep: true, options) }

  /// A residual network of 2.6 million multiply-adds for 28×28 grey images: 16, 32 and 64 channels at 14×14, 7×7 and 4×4.
  static func small(_ options: ArchitectureOptions) -> Graph {
    var model = ResNet(net: options.builder("resnet_small", input: [1, 28, 28]), isDeep: false)
    var x = model.net.convolution(model.net.input, "conv1", channels: 16, kernel: 3, stride: 2, pad: 1)
    x = model.net.relu(model.net.batchNormalization(x, "bn1"), "relu")
    return model.rest(x, channels: [16, 32, 64], blocks: [1, 1, 1], classes: options.classes)
  }

  private static func standard(_ name: String, blocks: [Int], isDeep: Bool, _ options: ArchitectureOptions) -> Graph {
    var model = ResNet(net: options.builder(name, input: [3, 224, 224]), isDeep: isDeep)
    var x = model.net.convolution(model.net.input, "conv1", channels: 64, kernel: 7, stride: 2, pad: 3)
    x = model.net.relu(model.net.batchNormalization(x, "bn1"), "relu")
    x = model.net.maxPool(x, "maxpool", kernel: 3, stride: 2, pad: 1)
    return model.rest(x, channels: [64, 128, 256, 512], blocks: blocks, classes: options.classes)
  }

  private mutating func rest(_ x: NetworkBuilder.Value, channels: [Int], blocks: [Int], classes: Int) -> Graph {
    var x = x
    for (index, channels) in channels.enumerated() {
      for block in 0..<blocks[index] {
        let (name, stride) = ("layer\(index + 1).\(block)", index > 0 && block == 0 ? 2 : 1)
        x = isDeep ? bottleneck(x, name, channels: channels, stride: stride) : basicBlock(x, name, channels: channels, stride: stride)
      }
    }
    return head(x, classes: classes)
  }

  /// relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)), where the shortcut is x itself, or a 1×1 convolution with batch norm when shapes differ.
  private mutating func basicBlock(_ x: NetworkBuilder.Value, _ name: String, channels: Int, stride: Int) -> NetworkBuilder.Value {
    var y = net.convolution(x, "\(name).conv1", channels: channels, kernel: 3, stride: stride, pad: 1)
    y = net.relu(net.batchNormalization(y, "\(name).bn1"), "\(name).relu")
    y = net.convolution(y, "\(name).conv2", channels: channels, kernel: 3, pad: 1)
    y = net.batchNormalization(y, "\(name).bn2")
    return net.relu(net.sum(y, shortcut(x, y, name, stride: stride), "\(name).add"), "\(name).relu_1")
  }

  /// The same of three convolutions, 1×1 to fewer channels, 3×3, 1×1 to four times as many.
  private mutating func bottleneck(_ x: NetworkBuilder.Value, _ name: String, channels: Int, stride: Int) -> NetworkBuilder.Value {
    var y = net.convolution(x, "\(name).conv1", channels: channels, kernel: 1)
    y = net.relu(net.batchNormalization(y, "\(name).bn1"), "\(name).relu")
    y = net.convolution(y, "\(name).conv2", channels: channels, kernel: 3, stride: stride, pad: 1)
    y = net.relu(net.batchNormalization(y, "\(name).bn2"), "\(name).relu_1")
    y = net.batchNormalization(net.convolution(y, "\(name).conv3", channels: 4 * channels, kernel: 1), "\(name).bn3")
    return net.relu(net.sum(y, shortcut(x, y, name, stride: stride), "\(name).add"), "\(name).relu_2")
  }

  private mutating func shortcut(_ x: NetworkBuilder.Value, _ y: NetworkBuilder.Value, _ name: String, stride: Int) -> NetworkBuilder.Value {
    guard stride != 1 || x.channels != y.channels else { return x }
    let projected = net.convolution(x, "\(name).downsample.0", channels: y.channels, kernel: 1, stride: stride)
    return net.batchNormalization(projected, "\(name).downsample.1")
  }

  private mutating func head(_ x: NetworkBuilder.Value, classes: Int) -> Graph {
    let features = net.flatten(net.globalAveragePool(x, "avgpool"), "flatten")
    let scores = net.linear(features, "fc", features: classes)
    return net.graph(output: scores, named: "logits")
  }
}
