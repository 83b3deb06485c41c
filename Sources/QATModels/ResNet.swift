import QATGraph

/// Residual networks of basic blocks, with torchvision's names. Source: He et al. 2015, arXiv:1512.03385.
struct ResNet {
  var net: NetworkBuilder

  /// ResNet-18 for 224×224 colour images: torchvision's `resnet18`, 11.69 million parameters and 1.81 billion multiply-adds with 1000 classes.
  static func resnet18(classes: Int, seed: UInt64) -> Graph {
    var model = ResNet(net: NetworkBuilder(name: "resnet18", input: [3, 224, 224], seed: seed))
    var x = model.net.convolution(model.net.input, "conv1", channels: 64, kernel: 7, stride: 2, pad: 3)
    x = model.net.relu(model.net.batchNormalization(x, "bn1"), "relu")
    x = model.net.maxPool(x, "maxpool", kernel: 3, stride: 2, pad: 1)
    for (index, channels) in [64, 128, 256, 512].enumerated() {
      x = model.stage(x, "layer\(index + 1)", channels: channels, blocks: 2, stride: index == 0 ? 1 : 2)
    }
    return model.head(x, classes: classes)
  }

  /// A residual network of 2.6 million multiply-adds for 28×28 grey images: 16, 32 and 64 channels at 14×14, 7×7 and 4×4.
  static func small(classes: Int, seed: UInt64) -> Graph {
    var model = ResNet(net: NetworkBuilder(name: "resnet_small", input: [1, 28, 28], seed: seed))
    var x = model.net.convolution(model.net.input, "conv1", channels: 16, kernel: 3, stride: 2, pad: 1)
    x = model.net.relu(model.net.batchNormalization(x, "bn1"), "relu")
    for (index, channels) in [16, 32, 64].enumerated() {
      x = model.stage(x, "layer\(index + 1)", channels: channels, blocks: 1, stride: index == 0 ? 1 : 2)
    }
    return model.head(x, classes: classes)
  }

  private mutating func stage(_ x: NetworkBuilder.Value, _ name: String, channels: Int, blocks: Int, stride: Int) -> NetworkBuilder.Value {
    var x = x
    for block in 0..<blocks { x = basicBlock(x, "\(name).\(block)", channels: channels, stride: block == 0 ? stride : 1) }
    return x
  }

  /// relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)), where the shortcut is x itself, or a 1×1 convolution with batch norm when shapes differ.
  private mutating func basicBlock(_ x: NetworkBuilder.Value, _ name: String, channels: Int, stride: Int) -> NetworkBuilder.Value {
    var y = net.convolution(x, "\(name).conv1", channels: channels, kernel: 3, stride: stride, pad: 1)
    y = net.relu(net.batchNormalization(y, "\(name).bn1"), "\(name).relu")
    y = net.convolution(y, "\(name).conv2", channels: channels, kernel: 3, pad: 1)
    y = net.batchNormalization(y, "\(name).bn2")
    var shortcut = x
    if stride != 1 || x.channels != channels {
      shortcut = net.convolution(x, "\(name).downsample.0", channels: channels, kernel: 1, stride: stride)
      shortcut = net.batchNormalization(shortcut, "\(name).downsample.1")
    }
    return net.relu(net.sum(y, shortcut, "\(name).add"), "\(name).relu_1")
  }

  private mutating func head(_ x: NetworkBuilder.Value, classes: Int) -> Graph {
    let features = net.flatten(net.globalAveragePool(x, "avgpool"), "flatten")
    let scores = net.linear(features, "fc", features: classes)
    return net.graph(output: scores, named: "logits")
  }
}
