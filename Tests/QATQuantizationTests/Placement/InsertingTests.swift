import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@Suite("A setup becomes fake quantizers in the graph")
struct InsertingTests {
  private let network: Graph = {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1", channels: 6), "relu")
    return net.finished(net.sum(net.conv(x, "conv2", channels: 6), x, "add"))
  }()

  @Test("readers read the quantized tensor, parameters stand at NNCF's defaults and are trained")
  func symmetric() throws {
    let quantized = try network.inserting(place(network)).validated()
    #expect(quantized.node(named: "conv1")?.inputs == ["input|OUTPUT", "conv1|WEIGHT"])
    #expect(quantized.node(named: "conv2")?.inputs[0] == "relu|OUTPUT")
    #expect(quantized.node(named: "add")?.inputs == ["conv2|OUTPUT", "relu|OUTPUT"])
    #expect(quantized.node(named: "relu|OUTPUT")?.inputs == ["relu", "relu|OUTPUT.scale"])
    #expect(quantized.node(named: "relu|OUTPUT")?.outputs == ["relu|OUTPUT"])
    #expect(quantized.constants["conv1|WEIGHT.scale"] == .init(Tensor(repeating: 1, shape: [6]), .parameter))
    #expect(quantized.constants["relu|OUTPUT.scale"] == .init(Tensor(repeating: 1, shape: [1]), .parameter))
  }

  @Test("asymmetric quantizers read a lower bound and a range")
  func asymmetric() throws {
    let quantized = try network.inserting(place(network) { $0.preset = .mixed }).validated()
    #expect(quantized.node(named: "relu|OUTPUT")?.inputs == ["relu", "relu|OUTPUT.input_low", "relu|OUTPUT.input_range"])
    #expect(quantized.tensor("relu|OUTPUT.input_low") == Tensor([0], shape: [1]))
    #expect(quantized.tensor("relu|OUTPUT.input_range") == Tensor([1], shape: [1]))
  }

  @Test("an output keeps its name, quantized or not")
  func outputs() throws {
    let plain = try network.inserting(place(network)).validated()
    #expect(plain.outputs == ["add"])
    #expect(plain.node(named: "add")?.outputs == ["add"])
    let quantized = try network.inserting(place(network) { $0.quantizesOutputs = true }).validated()
    #expect(quantized.outputs == ["add"])
    #expect(quantized.node(named: "add")?.outputs == ["add.unquantized"])
    #expect(quantized.node(named: "add|OUTPUT")?.inputs[0] == "add.unquantized")
    #expect(quantized.node(named: "add|OUTPUT")?.outputs == ["add"])
  }

  @Test("an output that somebody reads in floating point is quantized for the caller alone")
  func outputWithFloatReader() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv"), "relu")
    var graph = net.finished(net.add(Softmax(axis: 1), [x], "softmax"))
    graph.outputs = ["relu", "softmax"]
    let setup = try place(graph) { $0.quantizesOutputs = true }
    let quantized = try graph.inserting(setup).validated()
    #expect(quantized.outputs == ["relu", "softmax"])
    #expect(quantized.node(named: "softmax")?.inputs == ["relu.unquantized"])
    #expect(quantized.node(named: "relu|INPUT0")?.inputs[0] == "relu.unquantized")
    #expect(quantized.node(named: "relu|INPUT0")?.outputs == ["relu"])
  }

  @Test("a quantizer of one port leaves other readers alone")
  func onePort() throws {
    var net = NetworkBuilder.small()
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.outputs.append("relu")
    let quantized = try graph.inserting(place(graph)).validated()
    #expect(quantized.node(named: "conv2")?.inputs[0] == "conv2|INPUT0")
    #expect(quantized.node(named: "conv2|INPUT0")?.inputs[0] == "relu")
    #expect(quantized.outputs == ["conv2", "relu"])
  }

  @Test("an input and a node of one name get quantizers of two names")
  func sameNames() throws {
    var net = NetworkBuilder(name: "twins", input: [4, 8, 8], inputName: "x")
    let x = net.relu(net.conv(net.input, "conv1"), "relu")
    var graph = net.finished(net.conv(x, "conv2"))
    graph.nodes[1].name = "x"
    let setup = try place(graph)
    #expect(Set(setup.points.map(\.id)).count == setup.points.count)
    #expect(throws: Never.self) { try graph.inserting(setup).validated() }
  }

  @Test("points that do not fit the network are all listed")
  func mismatches() throws {
    var setup = try place(network)
    for index in setup.points.indices {
      switch setup.points[index].id {
      case "conv1|WEIGHT": setup.points[index].specification.parameterShape = [7]
      case "relu|OUTPUT": setup.points[index].target.name = "gelu"
      case "conv2|OUTPUT": setup.points[index].specification.bits = 12
      default: break
      }
    }
    setup.unifiedScaleGroups = [["input|OUTPUT", "nobody|OUTPUT"]]
    #expect { try network.inserting(setup) } throws: { error in
      let text = "\(error)"
      return text.contains("'conv1|WEIGHT': it has parameters of shape [7] for axis 0")
        && text.contains("'relu|OUTPUT': the network has no node 'gelu'")
        && text.contains("'conv2|OUTPUT': it has 12 bits") && text.contains("nobody|OUTPUT")
    }
  }
}
