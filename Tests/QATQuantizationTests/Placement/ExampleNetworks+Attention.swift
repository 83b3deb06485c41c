import QATGraph
import QATModels
import QATTensor

extension ExampleNetworks {
  /// Two encoder layers, the norm behind each sum, on token and segment ids. Source: Devlin et al. 2018, arXiv:1810.04805.
  static func bert() -> Graph {
    let ids = TensorType([.batch, .fixed(8)], .int64)
    var net = GraphSketch("bert", inputs: [("ids", ids), ("segments", ids)])
    let words = net.embedding("ids", "words", rows: 30, size: 16)
    let sum = net.node(Add(), [words, net.embedding("segments", "types", rows: 2, size: 16)], "embeddings")
    let placed = net.node(Add(), [sum, net.parameter("positions", [1, 8, 16])], "embeddings.positions")
    var x = net.layerNorm(placed, "embeddings.norm", 16)
    for index in 0..<2 {
      let name = "layer\(index)"
      x = net.layerNorm(net.node(Add(), [net.attention(x, "\(name).attention", 16), x], "\(name).add1"), "\(name).norm1", 16)
      x = net.layerNorm(net.node(Add(), [net.feedForward(x, "\(name).ffn", 16), x], "\(name).add2"), "\(name).norm2", 16)
    }
    let first = net.node(Gather(axis: 1), [x, net.index("first", 0)], "first_token")
    let pooled = net.node(Tanh(), [net.linear(first, "pooler", 16, 16)], "pooler.tanh")
    return net.finished(net.linear(pooled, "classifier", 16, 3))
  }

  /// A vision transformer of two layers, the norm in front of each branch, with a class token. Source: Dosovitskiy et al. 2020, arXiv:2010.11929.
  static func vit() -> Graph {
    var net = GraphSketch("vit", inputs: [("image", TensorType([.batch, .fixed(3), .fixed(16), .fixed(16)]))])
    let window = Window(square: 4, stride: 4)
    let patches = net.node(
      Convolution(window: window), ["image", net.parameter("patch.weight", [16, 3, 4, 4]), net.parameter("patch.bias", [16])], "patch")
    let rows = net.node(Transpose(permutation: [0, 2, 1]), [net.node(Reshape(shape: [0, 16, 16]), [patches], "patch.flat")], "patch.tokens")
    let token = net.node(Expand(shape: [.batch, .fixed(1), .fixed(16)]), [net.parameter("class_token", [1, 1, 16])], "class_token.expanded")
    let joined = net.node(Concat(axis: 1), [token, rows], "tokens")
    var x = net.node(Add(), [joined, net.parameter("positions", [1, 17, 16])], "positions.add")
    for index in 0..<2 {
      let name = "layer\(index)"
      x = net.node(Add(), [net.attention(net.layerNorm(x, "\(name).norm1", 16), "\(name).attention", 16), x], "\(name).add1")
      x = net.node(Add(), [net.feedForward(net.layerNorm(x, "\(name).norm2", 16), "\(name).mlp", 16), x], "\(name).add2")
    }
    let first = net.node(Gather(axis: 1), [net.layerNorm(x, "norm", 16), net.index("first", 0)], "first_token")
    return net.finished(net.linear(first, "head", 16, 10))
  }

  /// Two levels down and up, joined by concatenations. Source: Ronneberger et al. 2015, arXiv:1505.04597.
  static func uNet() -> Graph {
    var net = NetworkBuilder(name: "unet", input: [3, 16, 16])
    func pair(_ x: NetworkBuilder.Value, _ name: String, _ channels: Int) -> NetworkBuilder.Value {
      block(&net, block(&net, x, "\(name).1", channels, kernel: 3), "\(name).2", channels, kernel: 3)
    }
    func up(_ x: NetworkBuilder.Value, _ name: String, _ channels: Int) -> NetworkBuilder.Value {
      let weight = Graph.Constant(Tensor(repeating: 0.5, shape: [x.channels, channels, 2, 2]), .parameter)
      return net.add(ConvolutionTranspose(window: Window(square: 2, stride: 2)), [x], name, parameters: [("weight", weight)])
    }
    let first = pair(net.input, "down1", 4)
    let second = pair(net.maxPool(first, "pool1", kernel: 2, stride: 2), "down2", 8)
    let bottom = pair(net.maxPool(second, "pool2", kernel: 2, stride: 2), "bottom", 16)
    let higher = pair(net.concatenation([second, up(bottom, "up2", 8)], "concat2"), "higher2", 8)
    let highest = pair(net.concatenation([first, up(higher, "up1", 4)], "concat1"), "higher1", 4)
    return net.finished(net.convolution(highest, "head", channels: 2, kernel: 1, hasBias: true))
  }
}
