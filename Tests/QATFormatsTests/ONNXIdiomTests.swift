import QATGraph
import QATONNX
import Testing

/// Formulas that exporters write with several nodes, in the orders in which they have been met, become the operator they are.
@Suite struct ONNXIdiomTests {
  /// A way to write a function: lines `result = Operator operand operand`, the last of which makes `y`; numbers are constants.
  struct Idiom: Sendable, CustomTestStringConvertible {
    var op: any Operator
    var lines: [String]
    var testDescription: String { "\(op): \(lines)" }

    init(_ op: any Operator, _ lines: String...) {
      self.op = op
      self.lines = lines
    }

    func graph(alsoReading extra: String? = nil) throws -> Graph {
      var model = ModelBytes()
      var constants = Set<String>()
      for line in lines + (extra.map { ["extra = Relu \($0)"] } ?? []) {
        let words = line.split(separator: " ").map(String.init)
        for word in words.dropFirst(3) {
          if let number = Float(word), constants.insert(word).inserted { model.weights(word, [], [number]) }
        }
        model.node(words[2], Array(words.dropFirst(3)), [words[0]])
      }
      if extra != nil { model.outputs += ModelBytes(output: "extra").outputs }
      return try ONNXFile.decode(model.bytes)
    }
  }

  static let idioms: [Idiom] = [
    Idiom(Swish(), "s = Sigmoid x", "y = Mul x s"), Idiom(Swish(), "s = Sigmoid x", "y = Mul s x"),
    Idiom(Swish(alpha: 1.702), "a = Mul x 1.702", "s = Sigmoid a", "y = Mul x s"),
    Idiom(HardSwish(), "a = Mul x 0.16666667", "b = Add a 0.5", "c = Clip b 0 1", "y = Mul x c"),
    Idiom(HardSwish(), "a = Add x 3", "b = Clip a 0 6", "c = Mul x b", "y = Div c 6"),
    Idiom(HardSwish(), "a = Add 3 x", "b = Clip a 0 6", "c = Div b 6", "y = Mul x c"),
    Idiom(Mish(), "p = Softplus x", "t = Tanh p", "y = Mul x t"),
    Idiom(Gelu(), "d = Div x 1.4142135", "e = Erf d", "a = Add e 1", "m = Mul x a", "y = Mul m 0.5"),
    Idiom(Gelu(), "h = Mul x 0.5", "d = Mul x 0.70710677", "e = Erf d", "a = Add 1 e", "y = Mul h a"),
    Idiom(Gelu(), "d = Div x 1.4142135", "e = Erf d", "a = Add e 1", "h = Mul 0.5 a", "y = Mul x h"),
    Idiom(
      Gelu(approximation: .tanh), "s = Mul x x", "c = Mul x s", "k = Mul 0.044715 c", "p = Add x k", "q = Mul 0.7978846 p", "t = Tanh q",
      "a = Add t 1",
      "h = Mul x 0.5", "y = Mul h a"),
    Idiom(
      Gelu(approximation: .tanh), "k = Mul x 0.044715", "l = Mul k x", "m = Add l 1", "r = Mul x 0.7978846", "q = Mul r m", "t = Tanh q",
      "a = Add 1 t",
      "n = Mul a x", "y = Mul 0.5 n"),
  ]

  @Test(arguments: idioms)
  func formulasBecomeOperators(_ idiom: Idiom) throws {
    let graph = try idiom.graph()
    #expect(graph.nodes.map { AnyHashable($0.op) } == [AnyHashable(idiom.op)], "\(graph.nodes)")
    #expect(graph.nodes[0].inputs == ["x"] && graph.outputs == ["y"] && graph.constants.isEmpty)
  }

  @Test func aHardSigmoidTimesItsArgumentIsAHardSwish() throws {
    for (alpha, type) in [(Float(1) / 6, "HardSwish"), (0.2, "Mul")] {
      var model = ModelBytes()
      model.node("HardSigmoid", ["x"], ["h"], [("alpha", .float(alpha))])
      model.node("Mul", ["x", "h"], ["y"])
      #expect(try ONNXFile.decode(model.bytes).nodes.last?.type == type)
    }
  }

  @Test(arguments: idioms)
  func aFormulaThatSomebodyLooksIntoStaysAsItIs(_ idiom: Idiom) throws {
    // The tensor before the last, which only the last node reads otherwise.
    let inside = String(idiom.lines[idiom.lines.count - 2].prefix(1))
    let graph = try idiom.graph(alsoReading: inside)
    #expect(!graph.nodes.contains { AnyHashable($0.op) == AnyHashable(idiom.op) && $0.outputs == ["y"] }, "\(graph.nodes)")
  }

  @Test(arguments: [
    Idiom(Swish(), "s = Sigmoid x", "m = Mul x s", "y = Mul m 2"),
    Idiom(Gelu(), "d = Mul x 0.7", "e = Erf d", "a = Add e 1", "m = Mul x a", "y = Mul m 0.5"),
    Idiom(HardSwish(), "a = Add x 2", "b = Clip a 0 6", "c = Mul x b", "y = Div c 6"), Idiom(Mish(), "t = Tanh x", "p = Softplus t", "y = Mul x p"),
  ])
  func similarFormulasAreNotTakenForThem(_ idiom: Idiom) throws {
    let last = try #require(try idiom.graph().nodes.last)
    #expect(last.op is Mul)
  }

  /// Layer normalisation as PyTorch's exporter writes it below opset 17, and as tf2onnx does.
  private func layerNormalization(power: Bool, divides: Bool, twoDifferences: Bool, _ change: (inout ModelBytes) -> Void = { _ in }) throws -> Graph {
    var model = ModelBytes(input: ["N", 7, 8])
    model.weights("scale", [8], [1, 2, 3, 4, 5, 6, 7, 8])
    model.weights("bias", [8])
    model.weights("two", [], [2])
    model.weights("epsilon", [], [0.0009765625])
    model.node("ReduceMean", ["x"], ["mean"], [("axes", .ints([-1]))])
    model.node("Sub", ["x", "mean"], ["d"])
    if twoDifferences { model.node("Sub", ["x", "mean"], ["e"]) }
    let squared = twoDifferences ? "e" : "d"
    model.node(power ? "Pow" : "Mul", [squared, power ? "two" : squared], ["square"])
    model.node("ReduceMean", ["square"], ["variance"], [("axes", .ints([-1]))])
    model.node("Add", ["variance", "epsilon"], ["shifted"])
    model.node("Sqrt", ["shifted"], ["root"])
    if !divides { model.node("Reciprocal", ["root"], ["inverse"]) }
    model.node(divides ? "Div" : "Mul", ["d", divides ? "root" : "inverse"], ["n"])
    model.node("Mul", divides ? ["n", "scale"] : ["scale", "n"], ["scaled"])
    model.node("Add", ["scaled", "bias"], ["y"])
    change(&model)
    return try ONNXFile.decode(model.bytes)
  }

  @Test(arguments: [true, false], [true, false])
  func theLayerNormalizationIsRecognised(power: Bool, divides: Bool) throws {
    for twoDifferences in [false, true] {
      let graph = try layerNormalization(power: power, divides: divides, twoDifferences: twoDifferences)
      #expect(graph.nodes.map { AnyHashable($0.op) } == [AnyHashable(LayerNormalization(epsilon: 0.0009765625))], "\(graph.nodes.map(\.type))")
      #expect(graph.nodes[0].inputs == ["x", "scale", "bias"] && graph.outputs == ["y"])
      #expect(graph.constants["scale"]?.role == .parameter && graph.constants["bias"]?.role == .parameter)
    }
  }

  @Test func aLayerNormalizationWithSharedConstantsGetsItsOwn() throws {
    let graph = try layerNormalization(power: true, divides: true, twoDifferences: false) {
      $0.node("Mul", ["x", "scale"], ["other"])
      $0.outputs += ModelBytes(output: "other").outputs
    }
    let node = try #require(graph.nodes.first { $0.op is LayerNormalization })
    #expect(node.inputs[1] != "scale" && graph.constants[node.inputs[1]]?.tensor == graph.tensor("scale"))
    #expect(graph.constants["scale"]?.role == .fixed && graph.constants[node.inputs[1]]?.role == .parameter)
  }

  @Test func aMeanOverOtherAxesIsNoLayerNormalization() throws {
    var model = ModelBytes(input: ["N", 8, 8])
    model.weights("scale", [8])
    model.weights("epsilon", [], [0.001])
    model.node("ReduceMean", ["x"], ["mean"], [("axes", .ints([1]))])
    model.node("Sub", ["x", "mean"], ["d"])
    model.node("Mul", ["d", "d"], ["square"])
    model.node("ReduceMean", ["square"], ["variance"], [("axes", .ints([2]))])
    model.node("Add", ["variance", "epsilon"], ["shifted"])
    model.node("Sqrt", ["shifted"], ["root"])
    model.node("Div", ["d", "root"], ["n"])
    model.node("Mul", ["n", "scale"], ["scaled"])
    model.node("Add", ["scaled", "scale"], ["y"])
    #expect(try !ONNXFile.decode(model.bytes).nodes.contains { $0.op is LayerNormalization })
  }
}
