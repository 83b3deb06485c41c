import QATGraph
import QATTensor
import Testing

@Suite struct GraphValidationTests {
  /// x [batch, 4] → Gemm → h → Relu → y.
  static let network = Graph(
    name: "network", inputs: [Graph.Input(name: "x", type: TensorType([.batch, 4]))], outputs: ["y"],
    nodes: [
      Node(name: "linear", op: Gemm(), inputs: ["x", "w", "b"], outputs: ["h"]), Node(name: "relu", op: Relu(), inputs: ["h"], outputs: ["y"]),
    ],
    constants: [
      "w": Graph.Constant(Tensor(repeating: 0, shape: [4, 3]), .parameter), "b": Graph.Constant(Tensor(repeating: 0, shape: [3]), .parameter),
    ])

  @Test func inferenceKnowsEveryTensor() throws {
    try Self.network.validated()
    #expect(
      try Self.network.tensorTypes() == [
        "x": TensorType([.batch, 4]), "w": TensorType([4, 3]), "b": TensorType([3]), "h": TensorType([.batch, 3]), "y": TensorType([.batch, 3]),
      ])
  }

  /// A fault, and the node and the words that its message must have.
  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var node: String?
    var words: String
    var edit: @Sendable (inout Graph) -> Void

    init(_ description: String, node: String? = nil, _ words: String, _ edit: @escaping @Sendable (inout Graph) -> Void) {
      testDescription = description
      self.node = node
      self.words = words
      self.edit = edit
    }
  }

  static let faults: [Fault] = [
    Fault("no output", "no output") { $0.outputs = [] },
    Fault("an output nobody makes", "the output 'z' is made by no node") { $0.outputs = ["y", "z"] },
    Fault("an output twice", "the output 'y' is returned twice") { $0.outputs = ["y", "y"] },
    Fault("a node without a name", "a node of type Relu has no name") { $0.nodes[1].name = "" },
    Fault("two nodes of one name", node: "linear", "two nodes have this name") { $0.nodes[1].name = "linear" },
    Fault("a tensor nobody makes", node: "relu", "'missing', which nothing makes") { $0.nodes[1].inputs = ["missing"] },
    Fault("a cycle", node: "linear", "'y', which the node 'relu' makes only after it") { $0.nodes[0].inputs[0] = "y" },
    Fault("a node that reads its own output", node: "relu", "'y', which it makes itself") { $0.nodes[1].inputs = ["y"] },
    Fault("nodes in the wrong order", node: "relu", "'h', which the node 'linear' makes only after it") { $0.nodes.reverse() },
    Fault("an output that shadows an input", node: "relu", "'x', which exists already") { $0.nodes[1].outputs = ["x"] },
    Fault("an output that shadows a constant", node: "relu", "'w', which exists already") { $0.nodes[1].outputs = ["w"] },
    Fault("two nodes that make one tensor", node: "relu", "'h', which exists already") { $0.nodes[1].outputs = ["h"] },
    Fault("an output without a name", node: "relu", "an output without a name") { $0.nodes[1].outputs = [""] },
    Fault("one name for two outputs of a node", node: "relu", "1 outputs, the node names 2") { $0.nodes[1].outputs = ["y", "y"] },
    Fault("no outputs of a node", node: "relu", "1 outputs, the node names 0") { $0.nodes[1].outputs = [] },
    Fault("too many inputs", node: "relu", "Relu takes 1 input, found 2") { $0.nodes[1].inputs = ["h", "h"] },
    Fault("too few inputs", node: "linear", "Gemm takes 2 to 3 inputs, found 1") { $0.nodes[0].inputs = ["x"] },
    Fault("no inputs for any number of them", node: "relu", "Concat takes 1 or more inputs, found 0") {
      $0.nodes[1].op = Concat(axis: 0)
      $0.nodes[1].inputs = []
    },
    Fault("a required input that is absent", node: "relu", "Relu needs the input 'x'") { $0.nodes[1].inputs = [""] },
    Fault("shapes that do not fit", node: "linear", "cannot multiply A float32[batch, 5]") { $0.inputs[0].type = TensorType([.batch, 5]) },
    Fault("a constant that shadows an input", "the tensor 'x' is given twice") { $0.constants["x"] = $0.constants["w"] },
    Fault("two inputs of one name", "the tensor 'x' is given twice") { $0.inputs.append($0.inputs[0]) },
    Fault("an input without a name", "an input of type float32[batch, 4] has no name") { $0.inputs[0].name = "" },
    Fault("a constant without a name", "a constant of type float32[3] has no name") { $0.constants[""] = $0.constants["b"] },
    Fault("an input of negative size", "the input 'x' has a negative size") { $0.inputs[0].type = TensorType([.batch, -4]) },
    Fault("an empty input", "the input 'x' is empty: float32[batch, 0]") { $0.inputs[0].type = TensorType([.batch, 0]) },
    Fault("an input of none of the batch", "the input 'x' is empty") { $0.inputs[0].type = TensorType([.batch(multiple: 0), 4]) },
    Fault("an input too large", "the input 'x' has a negative size or more than 2^40 elements") {
      $0.inputs[0].type = TensorType([.batch, .fixed(.max), .fixed(.max)])
    },
    Fault("a computed tensor too large", node: "relu", "'y', which has a negative size or more than 2^40 elements") {
      $0.inputs.append(Graph.Input(name: "v", type: TensorType([0x80_0000_0000, 1, 1])))
      $0.nodes[1] = Node(name: "relu", op: Add(), inputs: ["h", "v"], outputs: ["y"])
    },
  ]

  @Test(arguments: faults)
  func aFaultIsToldWithItsPlace(_ fault: Fault) {
    var graph = Self.network
    fault.edit(&graph)
    let error = #expect(throws: GraphError.self) { try graph.validated() }
    #expect(error?.node == fault.node)
    #expect(error?.description.contains(fault.words) == true, "\(String(describing: error))")
    if let node = fault.node { #expect(error?.description.hasPrefix("node '\(node)': ") == true) }
  }

  @Test func whatLooksOddButIsANetworkIsAccepted() throws {
    var graph = Self.network
    // A constant nobody reads, even an empty one; an absent optional input; an input, a constant and a hidden tensor as outputs.
    graph.constants["unused"] = Graph.Constant(Tensor([], shape: [0]), .fixed)
    graph.nodes[0].inputs[2] = ""
    graph.outputs = ["y", "x", "w", "h"]
    try graph.validated()
    // Names of nodes and of tensors live apart.
    graph.nodes[1].name = "h"
    try graph.validated()
  }

  @Test func sizesAreCheckedForTheBatchAtHand() throws {
    #expect(try Self.network.tensorTypes(batchSize: 1 << 30).count == 5)
    #expect(throws: GraphError("the input 'x' has a negative size or more than 2^40 elements: float32[batch, 4]")) {
      try Self.network.tensorTypes(batchSize: 1 << 39)
    }
    #expect(throws: GraphError.self) { try Self.network.tensorTypes(batchSize: .max) }
    for batchSize in [0, -1, .min] {
      #expect(throws: GraphError("a batch of \(batchSize) samples is none")) { try Self.network.tensorTypes(batchSize: batchSize) }
    }
  }

  @Test func errorsOfTheWholeGraphNameNoNode() {
    #expect(GraphError("two words").description == "two words")
    #expect(GraphError(node: "n", "two words").description == "node 'n': two words")
  }
}
