import QATGraph
import QATTensor

/// A linear layer on tokens between quantizers.
struct LinearCase: IntegerLayer {
  /// How the layer reads its weight.
  enum Kind: CaseIterable {
    /// Gemm of all tokens as rows, weight [outputs, inputs].
    case outputsFirst
    /// Gemm of all tokens as rows, weight [inputs, outputs].
    case inputsFirst
    /// MatMul, weight [inputs, outputs].
    case matMul
    /// MatMul, weight [outputs, inputs] behind a transposition.
    case transposed
  }

  var name: String
  var kind = Kind.outputsFirst
  /// Dimensions between batch and inputs.
  var tokens = [96]
  var inputs = 64
  var outputs = 112
  var activation = FakeQuantize(mode: .symmetric(signed: false))
  /// Of the weight, but for its axis.
  var grid = FakeQuantize(mode: .symmetric(signed: true), halfRange: true)
  var isPerChannel = true
  var isPaired = false
  var hasBias = false
  var excess: Float = 1

  var inputShape: [Int] { tokens + [inputs] }
  private var isOutputsFirst: Bool { kind == .outputsFirst || kind == .transposed }
  var weightShape: [Int] { isOutputsFirst ? [outputs, inputs] : [inputs, outputs] }
  var outputAxis: Int { isOutputsFirst ? 0 : 1 }
  var weight: FakeQuantize {
    var result = grid
    if isPerChannel { result.channelAxis = outputAxis }
    if isPaired { result.pairing = WeightPairing(inputAxis: 1 - outputAxis, outputAxis: outputAxis) }
    return result
  }

  var graph: Graph {
    var graph = operands
    let bias = hasBias ? ["b"] : []
    switch kind {
    case .outputsFirst, .inputsFirst:
      let gemm = Gemm(transposesB: kind == .outputsFirst)
      graph.nodes += [
        Node(name: "rows", op: Reshape(shape: [-1, inputs]), inputs: ["xq"], outputs: ["rows"]),
        Node(name: "layer", op: gemm, inputs: ["rows", "wq"] + bias, outputs: ["product"]),
        Node(name: "tokens", op: Reshape(shape: [-1] + tokens + [outputs]), inputs: ["product"], outputs: ["y"]),
      ]
    case .matMul, .transposed:
      if kind == .transposed { graph.nodes.append(Node(name: "t", op: Transpose(permutation: [1, 0]), inputs: ["wq"], outputs: ["wt"])) }
      let operands = ["xq", kind == .transposed ? "wt" : "wq"]
      graph.nodes.append(Node(name: "layer", op: MatMul(), inputs: operands, outputs: [hasBias ? "product" : "y"]))
      if hasBias { graph.nodes.append(Node(name: "bias", op: Add(), inputs: ["product", "b"], outputs: ["y"])) }
    }
    return graph
  }

  func expected(_ x: [Float], batch: Int) throws -> [Float] {
    let codes = try codes(x)
    var result: [Float] = []
    for row in 0..<x.count / inputs {
      for o in 0..<outputs {
        var sum = 0
        let (first, step) = isOutputsFirst ? (o * inputs, 1) : (o, outputs)
        for i in 0..<inputs { sum += codes.input[row * inputs + i] * codes.weights[first + i * step] }
        result.append(Float(sum) * codes.scales[o] + codes.bias[o])
      }
    }
    return result
  }

  /// Each way to read a weight, each kind of grid, each width.
  static let all: [LinearCase] =
    Kind.allCases.flatMap { kind in
      [
        LinearCase(name: "\(kind)", kind: kind),
        LinearCase(name: "\(kind) with bias, odd sizes", kind: kind, tokens: [97], inputs: 131, outputs: 117, hasBias: true),
        LinearCase(name: "\(kind), signed input", kind: kind, activation: FakeQuantize(mode: .symmetric(signed: true))),
        LinearCase(name: "\(kind), asymmetric input", kind: kind, activation: FakeQuantize(mode: .asymmetric), hasBias: true),
        LinearCase(name: "\(kind), one grid for the weight", kind: kind, isPerChannel: false),
        LinearCase(
          name: "\(kind), extreme weights in pairs", kind: kind, inputs: 131, grid: FakeQuantize(mode: .symmetric(signed: true)), isPaired: true,
          excess: 20),
      ]
    } + [
      LinearCase(name: "tokens of a map", kind: .matMul, tokens: [8, 13]),
      LinearCase(name: "extreme weights of half range", excess: 20),
      LinearCase(name: "narrow weights", grid: FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, halfRange: true)),
      LinearCase(
        name: "extreme weights in pairs, one grid", kind: .inputsFirst, activation: FakeQuantize(mode: .symmetric(signed: true)),
        grid: FakeQuantize(mode: .symmetric(signed: true)), isPerChannel: false, isPaired: true, excess: 20),
    ]
    + (2...7).flatMap { bits in
      zip([FakeQuantize.Mode.symmetric(signed: false), .symmetric(signed: true), .asymmetric], [Kind.outputsFirst, .inputsFirst, .matMul]).map {
        LinearCase(
          name: "\(bits) bits, \($0), \($1)", kind: $1, activation: FakeQuantize(mode: $0, bits: bits),
          grid: FakeQuantize(mode: .symmetric(signed: true), bits: min(bits + 1, 7)))
      }
    }
}
