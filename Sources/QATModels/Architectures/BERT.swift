import QATGraph
import QATTensor

/// A BERT encoder with a classifier over its first token, with Hugging Face's names (`bert.encoder.layer.0...`). Input: token numbers `input` [N, T] of int64; all tokens count,
/// and all are of the first segment. Source: Devlin et al. 2018, arXiv:1810.04805.
struct BERT {
  /// Sizes of an encoder.
  struct Sizes {
    var vocabulary: Int
    var positions: Int
    var tokens: Int
    var features: Int
    var layers: Int
    var heads: Int
    var hidden: Int
  }

  var net: NetworkBuilder
  let sizes: Sizes

  /// BERT-base for 128 tokens: 109.5 million parameters.
  static func base(_ options: ArchitectureOptions) -> Graph {
    network(
      "bert_base", Sizes(vocabulary: 30522, positions: 512, tokens: 128, features: 768, layers: 12, heads: 12, hidden: 3072), options)
  }

  /// Two layers of 32 features for 16 tokens out of 1000.
  static func small(_ options: ArchitectureOptions) -> Graph {
    network("bert_small", Sizes(vocabulary: 1000, positions: 32, tokens: 16, features: 32, layers: 2, heads: 4, hidden: 64), options)
  }

  private static func network(_ name: String, _ sizes: Sizes, _ options: ArchitectureOptions) -> Graph {
    let type = TensorType([.batch, .fixed(sizes.tokens)], .int64)
    return BERT(net: options.builder(name, type: type), sizes: sizes).network(classes: options.classes)
  }

  private static let start = Initializer.normal(deviation: 0.02)

  private consuming func network(classes: Int) -> Graph {
    let (start, features, table) = (Self.start, sizes.features, "bert.embeddings")
    var x = net.embedding(net.input, "\(table).word_embeddings", count: sizes.vocabulary, features: features, weights: start)
    x = net.addingParameter(
      x, "\(table).positions", parameterName: "\(table).position_embeddings.weight", shape: [sizes.positions, features], weights: start,
      rows: 0..<sizes.tokens)
    x = net.addingParameter(
      x, "\(table).segments", parameterName: "\(table).token_type_embeddings.weight", shape: [2, features], weights: start, rows: 0..<1)
    x = net.dropout(net.layerNormalization(x, "\(table).LayerNorm", epsilon: 1e-12), "\(table).dropout", ratio: 0.1)
    for layer in 0..<sizes.layers { x = block(x, "bert.encoder.layer.\(layer)") }
    x = net.reshape(net.slice(x, "first_token", axis: 1, 0..<1), "first_token.features", [0, features])
    x = net.tanh(linear(x, "bert.pooler.dense", features), "bert.pooler.activation")
    return net.graph(output: linear(net.dropout(x, "dropout", ratio: 0.1), "classifier", classes), named: "logits")
  }

  private mutating func linear(_ x: NetworkBuilder.Value, _ name: String, _ features: Int) -> NetworkBuilder.Value {
    net.linear(x, name, features: features, weights: Self.start, bias: .constant(0))
  }

  private mutating func block(_ x: NetworkBuilder.Value, _ name: String) -> NetworkBuilder.Value {
    let features = sizes.features
    let parts = ["query", "key", "value"].map { linear(x, "\(name).attention.self.\($0)", features) }
    var y = net.attention(queries: parts[0], keys: parts[1], values: parts[2], "\(name).attention.self", heads: sizes.heads)
    y = net.dropout(linear(y, "\(name).attention.output.dense", features), "\(name).attention.output.dropout", ratio: 0.1)
    y = net.layerNormalization(net.sum(y, x, "\(name).attention.output.add"), "\(name).attention.output.LayerNorm", epsilon: 1e-12)
    var z = net.gelu(linear(y, "\(name).intermediate.dense", sizes.hidden), "\(name).intermediate.activation")
    z = net.dropout(linear(z, "\(name).output.dense", features), "\(name).output.dropout", ratio: 0.1)
    return net.layerNormalization(net.sum(z, y, "\(name).output.add"), "\(name).output.LayerNorm", epsilon: 1e-12)
  }
}
