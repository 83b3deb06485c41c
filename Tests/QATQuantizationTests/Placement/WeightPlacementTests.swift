import QATGraph
import QATModels
import QATTensor
import Testing

@testable import QATQuantization

@Suite("Every weight gets one quantizer")
struct WeightPlacementTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    let x = net.relu(net.batchNormalization(net.conv(net.input, "conv1", channels: 6), "bn"), "relu")
    let y = net.globalAveragePool(net.conv(x, "conv2", channels: 5), "pool")
    return net.finished(net.linear(net.flatten(y, "flatten"), "fc", features: 3))
  }()

  @Test("weights are signed, symmetric, per output channel, on half the codes; biases and batch norms are left alone")
  func defaults() throws {
    let setup = try place(network)
    #expect(setup.weightIDs == ["conv1|WEIGHT", "conv2|WEIGHT", "fc|WEIGHT"])
    #expect(setup.weightPoints.map(\.specification.parameterShape) == [[6], [5], [3]])
    for point in setup.weightPoints {
      #expect(point.specification.fakeQuantize == FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0))
    }
  }

  @Test("the overflow fix: all weights, none (then the lowest code is left out), or the first convolutions only")
  func overflowFix() throws {
    let none = try place(network) { $0.overflowFix = .disable }.weightPoints
    #expect(none.allSatisfy { $0.specification.narrowRange && !$0.specification.halfRange })
    let first = try place(network) { $0.overflowFix = .firstLayerOnly }.weightPoints
    #expect(first.map(\.specification.halfRange) == [true, false, false])
    #expect(first.map(\.specification.narrowRange) == [false, true, true])
  }

  @Test("the pairwise fix: the whole range, with neighbours along each weight's own input axis; depthwise and asymmetric weights need none")
  func pairwise() throws {
    let points = try place(network) { $0.overflowFix = .pairwise }.weightPoints
    for point in points {
      let pairing = WeightPairing(inputAxis: 1, outputAxis: 0)
      #expect(
        point.specification.fakeQuantize == FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, pairing: pairing, channelAxis: 0))
    }
    #expect(points.count == 3)
    let asymmetric = try place(network) {
      $0.weights.demands.mode = .asymmetric
      $0.overflowFix = .pairwise
    }.weightPoints
    #expect(asymmetric.allSatisfy { $0.specification.pairing == nil && !$0.specification.halfRange })
    let spr = try place(network, on: .cpuSPR) { $0.overflowFix = .pairwise }.weightPoints
    #expect(spr.allSatisfy { $0.specification.pairing == nil })
    var net = NetworkBuilder.small()
    let x = net.conv(net.input, "conv", channels: 6)
    let depthwise = net.conv(x, "depthwise", channels: 6, groups: 6)
    let graph = net.finished(net.linear(net.flatten(net.globalAveragePool(depthwise, "pool"), "flatten"), "fc", features: 3))
    let mixed = try place(graph) { $0.overflowFix = .pairwise }
    #expect(mixed["depthwise|WEIGHT"]?.specification.pairing == nil)
    #expect(mixed["conv|WEIGHT"]?.specification.pairing != nil)
  }

  @Test("a weight whose readers pair its codes differently keeps to half of its range; a transposed one is paired as it is stored")
  func sharedPairwise() throws {
    func graph(tied: Bool) -> Graph {
      Graph(
        name: "tied", inputs: [.init(name: "x", type: TensorType([.batch, 4]))], outputs: ["y"],
        nodes: [
          Node(name: "transpose", op: Transpose(permutation: [1, 0]), inputs: ["w"], outputs: ["t"]),
          Node(name: "encode", op: Gemm(transposesB: true), inputs: ["x", tied ? "w" : "t"], outputs: ["h"]),
          Node(name: "relu", op: Relu(), inputs: ["h"], outputs: ["r"]),
          Node(name: "decode", op: Gemm(transposesB: true), inputs: ["r", "t"], outputs: ["y"]),
        ], constants: ["w": .init(Tensor(repeating: 1, shape: [4, 4]), .parameter)])
    }
    for tied in [true, false] {
      let setup = try place(graph(tied: tied)) {
        $0.overflowFix = .pairwise
        $0.weights.demands.perChannel = false
      }
      let specification = try #require(setup.weightPoints.first).specification
      #expect(setup.weightPoints.count == 1)
      #expect(specification.halfRange == tied)
      #expect(specification.narrowRange == !tied)
      #expect(specification.pairing == (tied ? nil : WeightPairing(inputAxis: 0, outputAxis: 1)))
    }
  }

  @Test("per-tensor and asymmetric weights can be demanded; asymmetric ones are never narrow")
  func demands() throws {
    let tensor = try place(network) { $0.weights.demands.perChannel = false }.weightPoints
    #expect(tensor.allSatisfy { $0.specification.channelAxis == nil && $0.specification.parameterShape == [1] })
    let asymmetric = try place(network) {
      $0.weights.demands.mode = .asymmetric
      $0.overflowFix = .disable
    }.weightPoints
    #expect(asymmetric.allSatisfy { $0.specification.mode == .asymmetric && !$0.specification.narrowRange && $0.specification.perChannel })
  }

  @Test("the preset 'mixed' makes activations asymmetric and leaves weights symmetric; an explicit mode wins")
  func presets() throws {
    let mixed = try place(network) { $0.preset = .mixed }
    #expect(mixed.activationPoints.allSatisfy { $0.specification.mode == .asymmetric })
    #expect(mixed.weightPoints.allSatisfy { $0.specification.mode == .symmetric })
    let explicit = try place(network) {
      $0.preset = .mixed
      $0.activations.demands.mode = .symmetric
    }
    #expect(explicit.activationPoints.allSatisfy { $0.specification.mode == .symmetric })
  }

  @Test("a demanded sign is taken where the table leaves it open")
  func sign() throws {
    let setup = try place(network) { $0.activations.demands.signed = true }
    #expect(setup.activationPoints.allSatisfy { $0.specification.forcedSign == true && $0.specification.signed })
  }

  @Test("demands that the table cannot meet are refused with every operator and what is offered")
  func refused() throws {
    #expect { try place(network) { $0.weights.demands.signed = false } } throws: {
      let text = "\($0)"
      return text.contains("weights (symmetric, unsigned) at 'conv1', 'conv2', 'fc': offered are signed 8-bit symmetric per-channel")
    }
  }

  @Test("channels of a matrix product's weight are its output features, wherever they lie")
  func matrixAxes() throws {
    func axis(_ op: some Operator, weight: [Int], port: Int = 1) throws -> QuantizerSpecification? {
      let graph = Graph(
        name: "product", inputs: [.init(name: "x", type: TensorType([4, 4]))], outputs: ["y"],
        nodes: [Node(name: "product", op: op, inputs: port == 1 ? ["x", "w"] : ["w", "x"], outputs: ["y"])],
        constants: ["w": .init(Tensor(repeating: 1, shape: weight), .parameter)])
      return try place(graph)["product|WEIGHT"]?.specification
    }
    #expect(try axis(Gemm(transposesB: true), weight: [3, 4])?.channelAxis == 0)
    #expect(try axis(Gemm(), weight: [4, 3])?.channelAxis == 1)
    #expect(try axis(Gemm(), weight: [3, 4], port: 0)?.channelAxis == 0)
    #expect(try axis(Gemm(transposesA: true), weight: [4, 3], port: 0)?.channelAxis == 1)
    #expect(try axis(MatMul(), weight: [4, 3])?.channelAxis == 1)
    #expect(try axis(MatMul(), weight: [4, 3])?.parameterShape == [3])
  }

  @Test("a transposed weight is quantized as it is stored")
  func transposed() throws {
    let graph = Graph(
      name: "transposed", inputs: [.init(name: "x", type: TensorType([.batch, 4]))], outputs: ["y"],
      nodes: [
        Node(name: "transpose", op: Transpose(permutation: [1, 0]), inputs: ["w"], outputs: ["t"]),
        Node(name: "product", op: MatMul(), inputs: ["x", "t"], outputs: ["y"]),
      ], constants: ["w": .init(Tensor(repeating: 1, shape: [3, 4]), .parameter)])
    let setup = try place(graph)
    #expect(setup["product|WEIGHT"]?.specification.channelAxis == 0)
    let quantized = try graph.inserting(setup).validated()
    #expect(quantized.node(named: "transpose")?.inputs == ["product|WEIGHT"])
    #expect(quantized.node(named: "product|WEIGHT")?.inputs[0] == "w")
  }

  @Test("a weight that is read directly and transposed gets one quantizer, made before the first reader")
  func sharedTransposed() throws {
    let graph = Graph(
      name: "tied", inputs: [.init(name: "x", type: TensorType([.batch, 4]))], outputs: ["y"],
      nodes: [
        Node(name: "transpose", op: Transpose(permutation: [1, 0]), inputs: ["w"], outputs: ["t"]),
        Node(name: "encode", op: Gemm(transposesB: true), inputs: ["x", "w"], outputs: ["h"]),
        Node(name: "relu", op: Relu(), inputs: ["h"], outputs: ["r"]),
        Node(name: "decode", op: Gemm(transposesB: true), inputs: ["r", "t"], outputs: ["y"]),
      ], constants: ["w": .init(Tensor(repeating: 1, shape: [4, 4]), .parameter)])
    for (perChannel, count) in [(false, 1), (true, 2)] {
      // Per channel the two readers need scales along different axes, so each has its own.
      let setup = try place(graph) { $0.weights.demands.perChannel = perChannel }
      #expect(setup.weightPoints.count == count)
      let quantized = try graph.inserting(setup).validated()
      for name in ["transpose", "encode"] {
        let inputs = try #require(quantized.node(named: name)?.inputs)
        #expect(!inputs.contains("w"), "\(name)")
      }
    }
  }

  @Test("a weight that two operators share gets one quantizer, which both read")
  func shared() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.nodes[2].inputs[1] = "conv1.weight"
    let setup = try place(graph) { $0.overflowFix = .firstLayerOnly }
    #expect(setup.weightIDs == ["conv1|WEIGHT"])
    #expect(setup.weightPoints[0].quantizedOperators == ["conv1", "conv2"])
    #expect(setup.weightPoints[0].specification.halfRange)
    let quantized = try graph.inserting(setup).validated()
    #expect(quantized.node(named: "conv1")?.inputs[1] == "conv1|WEIGHT")
    #expect(quantized.node(named: "conv2")?.inputs[1] == "conv1|WEIGHT")
  }
}
