import QATGraph
import QATTensor
import Testing

@Suite struct GraphLookupTests {
  /// x → a → p → y, where `a` is read twice by one node and an optional input is absent.
  private let graph = Graph(
    name: "g", inputs: [Graph.Input(name: "x", type: TensorType([.batch, 2]))], outputs: ["y"],
    nodes: [
      Node(name: "first", op: Mul(), inputs: ["x", "c"], outputs: ["a"]), Node(name: "square", op: Mul(), inputs: ["a", "a"], outputs: ["p"]),
      Node(name: "sum", op: Concat(axis: 1), inputs: ["p", "", "c", "a"], outputs: ["y"]),
    ],
    constants: ["c": Graph.Constant(Tensor([3], shape: [1]), .fixed)])

  @Test func producersAndConsumersAreIndices() {
    #expect(graph.producers == ["a": 0, "p": 1, "y": 2])
    let consumers = graph.consumers.mapValues { uses in uses.map { [$0.node, $0.port] } }
    #expect(consumers == ["x": [[0, 0]], "c": [[0, 1], [2, 2]], "a": [[1, 0], [1, 1], [2, 3]], "p": [[2, 0]]])
  }

  @Test func nodesAndConstantsAreFoundByName() {
    #expect(graph.node(named: "square")?.inputs == ["a", "a"])
    #expect(graph.node(named: "p") == nil)
    #expect(graph.tensor("c") == Tensor([3], shape: [1]))
    #expect(graph.tensor("x") == nil)
  }

  @Test(arguments: [
    ("free", "free"), ("first", "first_1"), ("x", "x_1"), ("a", "a_1"), ("c", "c_1"), ("y", "y_1"), ("read", "read_1"), ("returned", "returned_1"),
  ])
  func aUniqueNameIsNobodys(candidate: String, expected: String) {
    var graph = graph
    // While a graph is rebuilt, names may be read or returned before they are made.
    graph.nodes[2].inputs[0] = "read"
    graph.outputs.append("returned")
    #expect(graph.uniqueName(candidate) == expected)
  }

  @Test func numbersThatAreTakenArePassedOver() {
    var graph = graph
    graph.nodes[0].name = "x_1"
    graph.nodes[1].name = "x_2"
    #expect(graph.uniqueName("x") == "x_3")
  }

  @Test func aSupplyNeverRepeatsItself() {
    var names = UniqueNames(graph)
    #expect((0..<3).map { _ in names.next("x") } == ["x_1", "x_2", "x_3"])
    #expect((0..<3).map { _ in names.next("x_1") } == ["x_1_1", "x_1_2", "x_1_3"])
    #expect((0..<3).map { _ in names.next("new") } == ["new", "new_1", "new_2"])
    let many = (0..<20_000).map { _ in names.next("same") }
    #expect(Set(many).count == many.count)
    #expect(many.last == "same_19999")
  }
}
