import QATGraph
import QATModels

/// Networks of well-known kinds, small in channels and images but whole in structure.
enum ExampleNetworks {
  static let all: [Graph] = [resNet50(), squeezeNet(), inception(), denseNet(), shuffleNet(), mobileNetV3(), bert(), vit(), uNet()]

  static func block(_ net: inout NetworkBuilder, _ x: NetworkBuilder.Value, _ name: String, _ channels: Int, kernel: Int = 1, groups: Int = 1)
    -> NetworkBuilder.Value
  {
    let y = net.convolution(x, "\(name).conv", channels: channels, kernel: kernel, pad: kernel / 2, groups: groups)
    return net.relu(net.batchNormalization(y, "\(name).bn"), "\(name).relu")
  }

  private static func classified(_ net: inout NetworkBuilder, _ x: NetworkBuilder.Value) -> Graph {
    let features = net.flatten(net.globalAveragePool(x, "avgpool"), "flatten")
    return net.finished(net.linear(features, "fc", features: 10))
  }

  /// Bottleneck blocks in four stages of 3, 4, 6 and 3. Source: He et al. 2015, arXiv:1512.03385.
  static func resNet50() -> Graph {
    var net = NetworkBuilder(name: "resnet50", input: [3, 32, 32])
    var x = net.maxPool(block(&net, net.input, "stem", 4, kernel: 3), "maxpool", kernel: 3, stride: 2, pad: 1)
    for (stage, blocks) in [3, 4, 6, 3].enumerated() {
      for index in 0..<blocks {
        let name = "layer\(stage + 1).\(index)"
        var y = block(&net, block(&net, x, "\(name).1", 4), "\(name).2", 4, kernel: 3)
        y = net.batchNormalization(net.convolution(y, "\(name).3.conv", channels: 8 << stage, kernel: 1), "\(name).3.bn")
        var shortcut = x
        if index == 0 {
          shortcut = net.batchNormalization(net.convolution(x, "\(name).down.conv", channels: 8 << stage, kernel: 1), "\(name).down.bn")
        }
        x = net.relu(net.sum(y, shortcut, "\(name).add"), "\(name).relu")
      }
    }
    return classified(&net, x)
  }

  /// SqueezeNet 1.1: eight fire modules. Source: Iandola et al. 2016, arXiv:1602.07360.
  static func squeezeNet() -> Graph {
    var net = NetworkBuilder(name: "squeezenet", input: [3, 32, 32])
    func convolution(_ x: NetworkBuilder.Value, _ name: String, _ channels: Int, kernel: Int = 1) -> NetworkBuilder.Value {
      net.relu(net.convolution(x, name, channels: channels, kernel: kernel, pad: kernel / 2, hasBias: true), "\(name).relu")
    }
    var x = net.maxPool(convolution(net.input, "conv1", 4, kernel: 3), "pool1", kernel: 3, stride: 2)
    for index in 2...9 {
      let squeezed = convolution(x, "fire\(index).squeeze", 2)
      x = net.concatenation(
        [convolution(squeezed, "fire\(index).expand1", 4), convolution(squeezed, "fire\(index).expand3", 4, kernel: 3)], "fire\(index).concat")
      if index == 3 || index == 5 { x = net.maxPool(x, "pool\(index)", kernel: 3, stride: 2) }
    }
    x = convolution(net.dropout(x, "dropout", ratio: 0.5), "conv10", 10)
    return net.finished(net.flatten(net.globalAveragePool(x, "avgpool"), "flatten"))
  }

  /// Two inception modules. Source: Szegedy et al. 2014, arXiv:1409.4842.
  static func inception() -> Graph {
    var net = NetworkBuilder(name: "inception", input: [3, 16, 16])
    var x = block(&net, net.input, "stem", 4, kernel: 3)
    for module in ["a", "b"] {
      let branches = [
        block(&net, x, "\(module).1", 4), block(&net, block(&net, x, "\(module).2.reduce", 4), "\(module).2", 4, kernel: 3),
        block(&net, block(&net, x, "\(module).3.reduce", 4), "\(module).3", 4, kernel: 5),
        block(&net, net.averagePool(x, "\(module).pool", kernel: 3, stride: 1, pad: 1), "\(module).4", 4),
      ]
      x = net.concatenation(branches, "\(module).concat")
    }
    return classified(&net, x)
  }

  /// A dense block of two layers, a transition, and the last norm. Source: Huang et al. 2016, arXiv:1608.06993.
  static func denseNet() -> Graph {
    var net = NetworkBuilder(name: "densenet", input: [3, 16, 16])
    func normalized(_ x: NetworkBuilder.Value, _ name: String) -> NetworkBuilder.Value {
      net.relu(net.batchNormalization(x, "\(name).norm"), "\(name).relu")
    }
    var features = [net.maxPool(block(&net, net.input, "stem", 4, kernel: 3), "maxpool", kernel: 2, stride: 2)]
    for index in 1...2 {
      let joined = features.count == 1 ? features[0] : net.concatenation(features, "layer\(index).concat")
      let narrow = net.convolution(normalized(joined, "layer\(index).1"), "layer\(index).conv1", channels: 4, kernel: 1)
      features.append(net.convolution(normalized(narrow, "layer\(index).2"), "layer\(index).conv2", channels: 4, kernel: 3, pad: 1))
    }
    let joined = normalized(net.concatenation(features, "concat"), "transition")
    let pooled = net.averagePool(net.convolution(joined, "transition.conv", channels: 4, kernel: 1), "transition.pool", kernel: 2, stride: 2)
    let last = normalized(pooled, "last")
    return classified(&net, last)
  }

  /// A unit that halves the image and one that keeps it, with shuffled channels. Source: Zhang et al. 2017, arXiv:1707.01083.
  static func shuffleNet() -> Graph {
    var net = NetworkBuilder(name: "shufflenet", input: [3, 16, 16])
    func shuffled(_ x: NetworkBuilder.Value, _ name: String, size: Int) -> NetworkBuilder.Value {
      let grouped = net.add(Reshape(shape: [0, 2, 4, size, size]), [x], "\(name).groups")
      let turned = net.add(Transpose(permutation: [0, 2, 1, 3, 4]), [grouped], "\(name).shuffle")
      return net.add(Reshape(shape: [0, 8, size, size]), [turned], "\(name).joined")
    }
    let x = net.maxPool(block(&net, net.input, "stem", 8, kernel: 3), "maxpool", kernel: 2, stride: 2)
    func branch(_ x: NetworkBuilder.Value, _ name: String, size: Int, stride: Int) -> NetworkBuilder.Value {
      let y = shuffled(block(&net, x, "\(name).1", 8, groups: 2), name, size: size)
      let filtered = net.convolution(y, "\(name).2.conv", channels: 8, kernel: 3, stride: stride, pad: 1, groups: 8)
      let z = net.convolution(net.batchNormalization(filtered, "\(name).2.bn"), "\(name).3.conv", channels: 8, kernel: 1, groups: 2)
      return net.batchNormalization(z, "\(name).3.bn")
    }
    let halved = net.concatenation([net.averagePool(x, "a.pool", kernel: 3, stride: 2, pad: 1), branch(x, "a", size: 8, stride: 2)], "a.concat")
    let wide = block(&net, net.relu(halved, "a.relu"), "between", 8)
    return classified(&net, net.relu(net.sum(branch(wide, "b", size: 4, stride: 1), wide, "b.add"), "b.relu"))
  }

  /// An inverted residual with squeeze and excitation and hard swish. Source: Howard et al. 2019, arXiv:1905.02244, with a sigmoid for the gate.
  static func mobileNetV3() -> Graph {
    var net = NetworkBuilder(name: "mobilenet_v3", input: [3, 16, 16])
    func hardSwish(_ x: NetworkBuilder.Value, _ name: String, _ channels: Int, kernel: Int = 1, groups: Int = 1) -> NetworkBuilder.Value {
      let y = net.convolution(x, "\(name).conv", channels: channels, kernel: kernel, pad: kernel / 2, groups: groups)
      return net.add(HardSwish(), [net.batchNormalization(y, "\(name).bn")], "\(name).act")
    }
    let x = hardSwish(net.input, "stem", 4, kernel: 3)
    let filtered = hardSwish(hardSwish(x, "expand", 8), "depthwise", 8, kernel: 3, groups: 8)
    var gate = net.globalAveragePool(filtered, "se.pool")
    gate = net.relu(net.convolution(gate, "se.conv1", channels: 2, kernel: 1, hasBias: true), "se.relu")
    gate = net.add(Sigmoid(), [net.convolution(gate, "se.conv2", channels: 8, kernel: 1, hasBias: true)], "se.sigmoid")
    let scaled = net.add(Mul(), [filtered, gate], "se.mul")
    let projected = net.batchNormalization(net.convolution(scaled, "project.conv", channels: 4, kernel: 1), "project.bn")
    return classified(&net, net.sum(projected, x, "add"))
  }
}
