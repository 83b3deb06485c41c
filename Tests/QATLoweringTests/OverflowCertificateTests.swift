import QATGraph
import QATLowering
import QATTensor
import Testing

@Suite("Certificates of integer layers")
struct OverflowCertificateTests {
  /// A linear layer of three inputs with given weight codes behind an input quantizer.
  private static func certificate(_ codes: [Float], signed: Bool, bits: Int = 8, bias: Float? = nil) throws -> OverflowCertificate {
    let input = FakeQuantize(mode: .symmetric(signed: signed), bits: bits)
    let weight = FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, channelAxis: 0)
    var graph = Graph(name: "net", inputs: [.init(name: "x", type: TensorType([.batch, .fixed(codes.count)]))], outputs: ["y"])
    // Steps of 1 everywhere: the bias is its own code.
    graph.constants = [
      "x.scale": .init(Tensor([Float(input.levelHigh)], shape: [1]), .parameter), "w": .init(Tensor(codes, shape: [1, codes.count]), .parameter),
      "w.scale": .init(Tensor([Float(127)], shape: [1]), .parameter),
    ]
    graph.nodes = [
      Node(name: "x|OUTPUT", op: input, inputs: ["x", "x.scale"], outputs: ["xq"]),
      Node(name: "layer|WEIGHT", op: weight, inputs: ["w", "w.scale"], outputs: ["wq"]),
      Node(name: "layer", op: Gemm(transposesB: true), inputs: ["xq", "wq"] + (bias == nil ? [] : ["b"]), outputs: ["y"]),
    ]
    if let bias { graph.constants["b"] = .init(Tensor([bias], shape: [1]), .parameter) }
    return try #require(try lower(graph).overflowCertificates.first)
  }

  /// The largest sums over all inputs that consist of the lowest and highest code: sums are linear, so that no other input has larger ones.
  private static func largestSums(_ codes: [Float], zero: Int, highest: Int, bias: Int) -> (pair: Int, accumulator: Int) {
    var (pair, accumulator) = (0, 0)
    for corner in 0..<(1 << codes.count) {
      let inputs = codes.indices.map { corner >> $0 & 1 == 1 ? highest : 0 }
      let products = zip(inputs, codes).map { $0 * Int($1) }
      let centred = zip(inputs, codes).map { ($0 - zero) * Int($1) }.reduce(0, +)
      for (a, b) in zip(products, products.dropFirst()) { pair = max(pair, abs(a + b)) }
      accumulator = max(accumulator, abs(products.reduce(0, +)), abs(centred), abs(centred + bias))
    }
    return (pair, accumulator)
  }

  @Test(
    "say exactly what the sums of extreme inputs reach",
    arguments: [[127, 127, 3], [127, -127, 5], [-60, -68, 127, 1], [1, 2, -100, -29, 7]] as [[Float]], [true, false])
  func exact(codes: [Float], signed: Bool) throws {
    for bias in [0, 9000, -9000] {
      let certificate = try Self.certificate(codes, signed: signed, bias: Float(bias))
      let (pair, accumulator) = Self.largestSums(codes, zero: signed ? 128 : 0, highest: 255, bias: bias)
      #expect(certificate.pairSum == pair)
      // The bound adds the magnitude of the bias, whatever its sign: never below what is reached.
      #expect(certificate.accumulator >= accumulator && certificate.accumulator <= accumulator + 2 * abs(bias))
      #expect(bias != 0 || certificate.accumulator == accumulator)
      #expect(certificate.fitsPairs == (pair <= 32767))
    }
  }

  @Test("know the codes that an input can have: few bits never overflow")
  func fewBits() throws {
    let certificate = try Self.certificate([127, 127, 127], signed: false, bits: 4)
    #expect(certificate.pairSum == 15 * 254)
    #expect(certificate.isProven)
    #expect(try !Self.certificate([127, 127, 127], signed: false).isProven)
  }

  @Test("are refused to what half range and pairwise prevent, and given to what they leave, in whole networks", arguments: ExampleNetwork.allCases)
  func wholeNetworks(network: ExampleNetwork) throws {
    let half = try lower(network.graph(halfRange: true)).overflowCertificates
    #expect(!half.isEmpty && half.allSatisfy(\.isProven))
    var graph = try network.graph(halfRange: false)
    for node in graph.nodes {
      guard let port = node.inputs.indices.dropFirst().first, let index = graph.nodes.firstIndex(where: { $0.outputs == [node.inputs[port]] }),
        var quantizer = graph.nodes[index].as(FakeQuantize.self), let shape = graph.tensor(graph.nodes[index].inputs[0])?.shape
      else { continue }
      quantizer.pairing = node.weightPairing(port: port, shape: shape)
      graph.nodes[index].op = quantizer
    }
    let pairwise = try lower(graph).overflowCertificates
    #expect(pairwise.count == half.count && pairwise.allSatisfy(\.isProven))
  }
}
