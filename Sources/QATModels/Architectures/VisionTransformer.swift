import QATGraph

/// The vision transformer, with torchvision's structure and names. Source: Dosovitskiy et al. 2020, arXiv:2010.11929.
struct VisionTransformer {
  /// Sizes of an encoder.
  struct Sizes {
    var patch: Int
    var features: Int
    var layers: Int
    var heads: Int
    var hidden: Int
  }

  var net: NetworkBuilder
  let sizes: Sizes

  /// torchvision's `vit_b_16` for 224×224 colour images: 86.6 million parameters with 1000 classes.
  static func base(_ options: ArchitectureOptions) -> Graph {
    network("vit_b_16", input: [3, 224, 224], Sizes(patch: 16, features: 768, layers: 12, heads: 12, hidden: 3072), options)
  }

  /// Sixteen patches of 28×28 grey images, two layers of 32 features.
  static func small(_ options: ArchitectureOptions) -> Graph {
    network("vit_small", input: [1, 28, 28], Sizes(patch: 7, features: 32, layers: 2, heads: 4, hidden: 64), options)
  }

  static func network(_ name: String, input: [Int], _ sizes: Sizes, _ options: ArchitectureOptions) -> Graph {
    VisionTransformer(net: options.builder(name, input: input), sizes: sizes).network(image: input[1], classes: options.classes)
  }

  private consuming func network(image: Int, classes: Int) -> Graph {
    let (side, features) = (image / sizes.patch, sizes.features)
    let fan = Float(net.input.channels * sizes.patch * sizes.patch)
    var x = net.convolution(
      net.input, "conv_proj", channels: features, kernel: sizes.patch, stride: sizes.patch, hasBias: true,
      weights: .normal(deviation: (1 / fan).squareRoot()), bias: .constant(0))
    x = net.transpose(net.reshape(x, "patches", [0, features, side * side]), "tokens", [0, 2, 1])
    let token = net.parameter(named: "class_token", .constant(0), shape: [1, 1, features])
    x = net.add(Concat(axis: 1), [net.add(Expand(shape: [.batch, 1, .fixed(features)]), [token], "class_token.batch"), x], "encoder.input")
    x = net.addingParameter(
      x, "encoder.positions", parameterName: "encoder.pos_embedding", shape: [1, side * side + 1, features], weights: .normal(deviation: 0.02))
    for layer in 0..<sizes.layers { x = block(x, "encoder.layers.encoder_layer_\(layer)") }
    x = net.layerNormalization(x, "encoder.ln", epsilon: 1e-6)
    x = net.reshape(net.slice(x, "class_token.output", axis: 1, 0..<1), "class_token.features", [0, features])
    return net.graph(output: net.linear(x, "heads.head", features: classes, weights: .constant(0), bias: .constant(0)), named: "logits")
  }

  private mutating func block(_ x: NetworkBuilder.Value, _ name: String) -> NetworkBuilder.Value {
    let features = sizes.features
    let y = net.layerNormalization(x, "\(name).ln_1", epsilon: 1e-6)
    // One product for queries, keys and values, with the parameter names of PyTorch's MultiheadAttention.
    let joined = net.linear(
      y, "\(name).self_attention.in_proj", features: 3 * features, weights: .xavierUniform, bias: .constant(0),
      parameterNames: ("\(name).self_attention.in_proj_weight", "\(name).self_attention.in_proj_bias"))
    let parts = ["query", "key", "value"].enumerated().map { index, part in
      net.slice(joined, "\(name).self_attention.\(part)", axis: 2, index * features..<(index + 1) * features)
    }
    let mixed = net.attention(queries: parts[0], keys: parts[1], values: parts[2], "\(name).self_attention", heads: sizes.heads)
    let attended = net.linear(mixed, "\(name).self_attention.out_proj", features: features, bias: .constant(0))
    let sum = net.sum(attended, x, "\(name).add_1")
    var z = net.layerNormalization(sum, "\(name).ln_2", epsilon: 1e-6)
    z = net.linear(z, "\(name).mlp.0", features: sizes.hidden, weights: .xavierUniform, bias: .normal(deviation: 1e-6))
    z = net.gelu(z, "\(name).mlp.1")
    z = net.linear(z, "\(name).mlp.3", features: features, weights: .xavierUniform, bias: .normal(deviation: 1e-6))
    return net.sum(sum, z, "\(name).add_2")
  }
}
