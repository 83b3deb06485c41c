import QATGraph
import QATModels
import QATTensor
import Testing

@Suite("Sequential networks")
struct SequentialTests {
  @Test("name layers as PyTorch does: by their place, or by their own names, behind those of their sequence")
  func names() throws {
    let network = try Sequential(
      "nested", input: [3, 8, 8],
      [
        .sequence([.convolution(4, kernel: 3, pad: 1, hasBias: false), .batchNormalization, .relu]).named("features"),
        .residual([.depthwiseConvolution(kernel: 3, pad: 1), .hardSwish]), .globalAveragePool, .flatten, .dropout(0.1), .linear(7).named("head"),
      ]
    ).graph(seed: 4)
    #expect(network.name == "nested" && network.outputs == ["head"])
    #expect(
      network.constants.keys.sorted() == [
        "1.0.bias", "1.0.weight", "features.0.weight", "features.1.bias", "features.1.running_mean", "features.1.running_var", "features.1.weight",
        "head.bias", "head.weight",
      ])
    #expect(network.tensor("1.0.weight")?.shape == [4, 1, 3, 3])
    #expect(try network.tensorTypes()["head"] == TensorType([.batch, 7]))
    #expect(network.nodes.map(\.name).contains("1.add"))
  }

  @Test("are the same network as the builder makes")
  func sameAsTheBuilder() throws {
    let sequential = try Sequential("net", input: [1, 6, 6], [.convolution(2, kernel: 3), .relu, .flatten, .linear(3)]).graph(seed: 9)
    var net = NetworkBuilder(name: "net", input: [1, 6, 6], seed: 9)
    let x = net.relu(net.convolution(net.input, "0", channels: 2, kernel: 3, hasBias: true), "1")
    let built = net.graph(output: net.linear(net.flatten(x, "2"), "3", features: 3))
    #expect(sequential.constants == built.constants && sequential.outputs == built.outputs)
    #expect(sequential.nodes.map(\.name) == built.nodes.map(\.name) && sequential.nodes.map(\.inputs) == built.nodes.map(\.inputs))
  }

  @Test("name the first layer that does not fit its input")
  func faults() {
    let tooLarge = Sequential("net", input: [1, 4, 4], [.relu, .convolution(2, kernel: 7), .linear(3)])
    #expect { try tooLarge.graph() } throws: { ($0 as? GraphError)?.node == "1" && "\($0)".contains("does not fit its input") }
    let twice = Sequential("net", input: [1, 4, 4], [Layer.relu.named("a"), Layer.relu.named("a")])
    #expect { try twice.graph() } throws: { ($0 as? GraphError)?.node == "a" && "\($0)".contains("another layer of this name") }
    let groups = Sequential("net", input: [3, 4, 4], [.convolution(2, kernel: 1, groups: 2)])
    #expect(throws: GraphError.self) { try groups.graph() }
  }

  @Test(
    "take every layer",
    arguments: [
      (.convolution(4, kernel: 3, stride: 2, pad: 1), [4, 4, 4], 40), (.depthwiseConvolution(kernel: 3, hasBias: false), [1, 6, 6], 9),
      (.transposedConvolution(2, kernel: 2, stride: 2), [2, 16, 16], 10), (.batchNormalization, [1, 8, 8], 2), (.layerNormalization, [1, 8, 8], 16),
      (.relu, [1, 8, 8], 0), (.relu6, [1, 8, 8], 0), (.leakyRelu(), [1, 8, 8], 0), (.sigmoid, [1, 8, 8], 0), (.hardSigmoid, [1, 8, 8], 0),
      (.hardSwish, [1, 8, 8], 0), (.silu, [1, 8, 8], 0), (.gelu, [1, 8, 8], 0), (.tanh, [1, 8, 8], 0), (.softmax, [1, 8, 8], 0),
      (.maxPool(kernel: 2, stride: 2), [1, 4, 4], 0), (.averagePool(kernel: 2, stride: 2), [1, 4, 4], 0), (.globalAveragePool, [1, 1, 1], 0),
      (.upsampling(3), [1, 24, 24], 0), (.flatten, [64], 0), (.dropout(0.5), [1, 8, 8], 0),
      (.residual([.convolution(4, kernel: 1)], shortcut: [.convolution(4, kernel: 1, hasBias: false)]), [4, 8, 8], 12),
      (Layer { net, x, name in net.sum(x, x, name) }, [1, 8, 8], 0),
    ] as [(Layer, [Int], Int)])
  func everyLayer(layer: Layer, output: [Int], parameters: Int) throws {
    let graph = try Sequential(input: [1, 8, 8], [layer]).graph()
    #expect(try graph.tensorTypes()[graph.outputs[0]]?.dimensions == [.batch] + output.map(Dimension.fixed))
    #expect(graph.parameterCount == parameters)
  }

  @Test("a summary lists layers, shapes and parameters")
  func summary() throws {
    let text = try Sequential("net", input: [1, 6, 6], [.convolution(2, kernel: 3, hasBias: false), .batchNormalization, .flatten, .linear(3)])
      .graph().summary()
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count == 8)
    #expect(lines[2].split(separator: " ") == ["0", "Conv", "batch", "×", "2", "×", "4", "×", "4", "18"])
    #expect(lines[3].split(separator: " ").suffix(1) == ["4"] && lines[4].hasSuffix(" "))
    #expect(lines[5].split(separator: " ") == ["3", "Gemm", "batch", "×", "3", "99"])
    #expect(lines[7] == "net: 121 parameters, 4 statistics and constants")
  }

  @Test("networks whose weights are loaded need no draws")
  func constantWeights() throws {
    let graph = try #require(architecture(named: "mobilenet_v3_small", classes: 3, weights: .constant(0)))
    #expect(graph.constants.values.filter { $0.role == .parameter }.allSatisfy { $0.tensor.floats?.allSatisfy { $0 == 0 } == true })
    #expect(graph.tensor("features.0.1.running_var")?.floats?.first == 1)
  }

  /// Variances and bounds as their papers say, for a weight [48, 32, 3, 3]: fan in 288, fan out 432.
  @Test(
    arguments: [
      (Initializer.kaimingNormal(.fanIn), 2.0 / 288, nil), (.kaimingNormal(.fanOut), 2.0 / 432, nil), (.kaimingUniform(.fanIn), 2.0 / 288, 6.0 / 288),
      (.xavierNormal, 2.0 / 720, nil), (.xavierUniform, 2.0 / 720, 6.0 / 720), (.normal(deviation: 0.5), 0.25, nil), (.uniform(bound: 3), 3, 9),
    ] as [(Initializer, Double, Double?)])
  func initialVariance(initializer: Initializer, variance: Double, squaredBound: Double?) throws {
    let values = try #require(initializer.tensor(named: "w", shape: [48, 32, 3, 3], seed: 3).floats).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let found = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(found / variance - 1) < 0.05 && abs(mean) < 0.05 * variance.squareRoot())
    if let squaredBound { #expect(values.allSatisfy { $0 * $0 <= squaredBound * 1.0001 }) }
  }
}
