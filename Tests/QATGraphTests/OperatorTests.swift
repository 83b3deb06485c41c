import QATGraph
import Testing

@Suite struct OperatorTests {
  @Test func typesAreUnique() {
    let types = allOperators.map { $0.type }
    #expect(Set(types).count == types.count)
  }

  @Test(arguments: [
    ("Relu", "1 input"), ("Add", "2 inputs"), ("Conv", "2 to 3 inputs"), ("BatchNormalization", "5 inputs"), ("Concat", "1 or more inputs"),
  ])
  func inputCountsAreSaidInWords(type: String, words: String) throws {
    let kind = try #require(allOperators.first { $0.type == type })
    #expect(kind.inputCountDescription == words)
  }

  @Test func aNodeGivesItsOperatorAsItsKind() {
    let node = Node(name: "c", op: Convolution(window: Window(square: 3), groups: 4), inputs: ["x", "w"], outputs: ["y"])
    #expect(node.type == "Conv")
    #expect(node.as(Convolution.self)?.groups == 4)
    #expect(node.as(Relu.self) == nil)
  }
}
