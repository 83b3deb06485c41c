import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Encoders of tokens train on integers")
struct PlanIntegerEncoderTests {
  private static let (tokens, features, hidden, classes) = (80, 96, 192, 5)

  /// As in ViT, with norms in front of the layers, or as in BERT, with norms behind the sums.
  enum Order: CaseIterable { case normsFirst, normsLast }

  @Test("to the losses of floats", arguments: Order.allCases) func losses(_ order: Order) throws {
    let graph = Self.encoder(order)
    let (integer, layers) = try Self.train(graph, .integer)
    let (float, floats) = try Self.train(graph, .float)
    // Queries, keys and values, output, and the two layers behind; not the products of activations nor the classifier.
    #expect(layers.map(\.isInteger) == [true, false, false, true, true, true, false], "\(layers)")
    #expect(floats.allSatisfy { !$0.isInteger })
    #expect(integer.last ?? 1 < 0.7 * integer[0], "\(integer)")
    // Roundings of the sums move single codes by one step.
    for (a, b) in zip(integer, float) { #expect(abs(a - b) <= 0.01 * float[0], "\(integer), \(float)") }
  }

  private static func encoder(_ order: Order) -> Graph {
    var net = NetworkBuilder(name: "encoder", type: TensorType([.batch, .fixed(tokens), .fixed(features)]))
    let first = order == .normsFirst
    var x = first ? net.input : net.layerNormalization(net.input, "embeddings.norm")
    let y = first ? net.layerNormalization(x, "attention.norm") : x
    let joined = net.linear(y, "attention.in", features: 3 * features)
    let parts = ["q", "k", "v"].enumerated().map { net.slice(joined, "attention.in.\($1)", axis: 2, $0 * features..<($0 + 1) * features) }
    let mixed = net.attention(queries: parts[0], keys: parts[1], values: parts[2], "attention", heads: 4)
    x = net.sum(net.linear(mixed, "attention.out", features: features), x, "attention.sum")
    if !first { x = net.layerNormalization(x, "attention.norm") }
    var z = first ? net.layerNormalization(x, "feed.norm") : x
    z = net.linear(net.gelu(net.linear(z, "feed.in", features: hidden), "feed.gelu"), "feed.out", features: features)
    x = net.sum(x, z, "feed.sum")
    if !first { x = net.layerNormalization(x, "feed.norm") }
    x = net.reshape(net.slice(x, "first", axis: 1, 0..<1), "first.features", [0, features])
    return quantizedEverywhere(net.graph(output: net.linear(x, "classifier", features: classes), named: "logits"))
  }

  /// Mean squared distances to random targets before each of eight steps of gradient descent.
  private static func train(_ graph: Graph, _ arithmetic: ForwardArithmetic) throws -> ([Float], [LayerArithmetic]) {
    let batch = 4
    let state = try ModelState(graph)
    let plan = try Plan(graph, state: state, batchSize: batch, mode: .training, arithmetic: arithmetic)
    _ = plan.input("input").update(fromContentsOf: randomFloats(batch * tokens * features, seed: 1))
    let targets = randomFloats(batch * classes, seed: 2)
    var losses: [Float] = []
    for _ in 0..<8 {
      plan.forward()
      let distances = zip(plan.output("logits"), targets).map { $0 - $1 }
      losses.append(distances.reduce(0) { $0 + $1 * $1 } / Float(distances.count))
      _ = plan.outputGradient("logits").update(fromContentsOf: distances.map { 2 * $0 / Float(distances.count) })
      plan.backward()
      for index in 0..<state.parameters.count { state.parameters.elements[index] -= 0.05 * state.gradients[index] }
    }
    return (losses, plan.layers)
  }
}
