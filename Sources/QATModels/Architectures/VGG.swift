import QATGraph

/// VGG without batch norm, with torchvision's structure and names. Source: Simonyan and Zisserman 2014, arXiv:1409.1556.
struct VGG {
  /// torchvision's `vgg11`: 132.9 million parameters with 1000 classes.
  static func vgg11(_ options: ArchitectureOptions) -> Graph {
    network("vgg11", input: [3, 224, 224], [[64], [128], [256, 256], [512, 512], [512, 512]], hidden: 4096, options)
  }

  /// torchvision's `vgg16`: 138.4 million parameters with 1000 classes.
  static func vgg16(_ options: ArchitectureOptions) -> Graph {
    network("vgg16", input: [3, 224, 224], [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]], hidden: 4096, options)
  }

  /// A VGG for 28×28 grey images, with 0.1 million parameters.
  static func small(_ options: ArchitectureOptions) -> Graph { network("vgg_small", input: [1, 28, 28], [[8, 8], [16, 16]], hidden: 64, options) }

  /// Convolutions 3×3 with ReLUs, a maximum over 2×2 behind each stage, three fully connected layers.
  private static func network(_ name: String, input: [Int], _ stages: [[Int]], hidden: Int, _ options: ArchitectureOptions) -> Graph {
    var net = options.builder(name, input: input)
    var x = net.input
    var place = 0
    func next() -> String {
      defer { place += 1 }
      return "features.\(place)"
    }
    for stage in stages {
      for channels in stage {
        x = net.convolution(x, next(), channels: channels, kernel: 3, pad: 1, hasBias: true, bias: .constant(0))
        x = net.relu(x, next())
      }
      x = net.maxPool(x, next(), kernel: 2, stride: 2)
    }
    // At the published size the mean over 7×7 places changes nothing.
    x = net.flatten(x, "flatten")
    for (index, features) in [hidden, hidden, options.classes].enumerated() {
      x = net.linear(x, "classifier.\(3 * index)", features: features, weights: .normal(deviation: 0.01), bias: .constant(0))
      if index < 2 { x = net.dropout(net.relu(x, "classifier.\(3 * index + 1)"), "classifier.\(3 * index + 2)", ratio: 0.5) }
    }
    return net.graph(output: x, named: "logits")
  }
}
