import QATEngine
import QATGraph
import QATONNX
import QATTensor
import Testing

/// Functions that a file brings along, and operators on integers, which stand for formulas.
@Suite("Functions of ONNX files") struct ONNXFunctionTests {
  @Test func aCallBecomesTheBodyWithTheCallsNamesAndAttributes() throws {
    var model = ModelBytes(input: ["N", 4])
    model.function("Leak", ["a"], ["b"], references: [(0, 1, "alpha", "slope")]) {
      $0.node("LeakyRelu", ["a"], ["inner"], name: "leak")
      $0.node("Neg", ["inner"], ["b"], name: "minus")
    }
    model.node("Leak", ["x"], ["first"], name: "one", domain: "f", [("slope", .float(0.25))])
    model.node("Leak", ["first"], ["y"], name: "two", domain: "f", [("slope", .float(0.5))])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.name) == ["one/leak", "one/minus", "two/leak", "two/minus"])
    #expect(graph.nodes.compactMap { $0.as(LeakyRelu.self)?.alpha } == [0.25, 0.5])
    #expect(graph.nodes[1].outputs == ["first"] && graph.nodes[2].inputs == ["first"] && graph.nodes[3].outputs == ["y"])
    #expect(Set(graph.nodes.flatMap(\.outputs)).count == 4)
  }

  @Test func anAttributeThatTheCallLeavesOutHasItsDefaultInside() throws {
    var model = ModelBytes(input: ["N", 4])
    model.function("Leak", ["a"], ["b"], references: [(0, 1, "alpha", "slope")]) { $0.node("LeakyRelu", ["a"], ["b"]) }
    model.node("Leak", ["x"], domain: "f")
    #expect(try ONNXFile.decode(model.bytes).nodes[0].as(LeakyRelu.self)?.alpha == 0.01)
  }

  @Test func functionsMayCallFunctions() throws {
    var model = ModelBytes(input: ["N", 4])
    model.function("Inner", ["a"], ["b"]) { $0.node("Relu", ["a"], ["b"], name: "r") }
    model.function("Outer", ["a"], ["b"]) {
      $0.node("Inner", ["a"], ["c"], name: "i", domain: "f")
      $0.node("Inner", ["c"], ["b"], name: "j", domain: "f")
    }
    model.node("Outer", ["x"], name: "o", domain: "f")
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.name) == ["o/i/r", "o/j/r"])
  }

  static let faults: [FaultyModel] = [
    FaultyModel("a function that calls itself", saying: ["'f::Again' calls itself"]) {
      $0.function("Again", ["a"], ["b"]) { $0.node("Again", ["a"], ["b"], domain: "f") }
      $0.node("Again", ["x"], domain: "f")
    },
    FaultyModel("functions that double each other", saying: ["out of proportion to the file"]) {
      $0.function("F0", ["a"], ["b"]) { $0.node("Relu", ["a"], ["b"]) }
      for level in 1...30 {
        $0.function("F\(level)", ["a"], ["b"]) {
          $0.node("F\(level - 1)", ["a"], ["c"], domain: "f")
          $0.node("F\(level - 1)", ["c"], ["b"], domain: "f")
        }
      }
      $0.node("F30", ["x"], domain: "f")
    },
    FaultyModel("two functions of one name", saying: ["two functions are called 'f::Same'"]) {
      for _ in 0..<2 { $0.function("Same", ["a"], ["b"]) { $0.node("Relu", ["a"], ["b"]) } }
      $0.node("Same", ["x"], domain: "f")
    },
    FaultyModel("a call with too many inputs", saying: ["node 'call'", "2 inputs"]) {
      $0.function("One", ["a"], ["b"]) { $0.node("Relu", ["a"], ["b"]) }
      $0.node("One", ["x", "x"], name: "call", domain: "f")
    },
    FaultyModel("an operator inside that is not supported", saying: ["STFT", "call/inside"]) {
      $0.function("Bad", ["a"], ["b"]) { $0.node("STFT", ["a"], ["b"], name: "inside") }
      $0.node("Bad", ["x"], name: "call", domain: "f")
    },
  ]

  @Test(arguments: faults) func areRefusedWithPlaceAndReason(model: FaultyModel) {
    let error = #expect(throws: ONNXError.self) { try ONNXFile.decode(model.bytes) }
    for part in model.message { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
  }

  /// The definition of the operator: integers in, integers out, by the scales in between.
  @Test func aConvolutionOnIntegersBecomesOneBetweenFakeQuantizers() throws {
    var model = ModelBytes(input: ["N", 1, 1, 4])
    for (name, scale) in [("xs", Float(0.5)), ("ys", 0.25)] { model.weights(name, [], [scale]) }
    model.weights("ws", [2], [0.125, 0.25])
    for (name, type) in [("xz", 2), ("yz", 2)] { model.initializers.append(ModelBytes.tensor(name, [], type, raw: [name == "xz" ? 3 : 0])) }
    model.initializers.append(ModelBytes.tensor("wz", [2], 3, raw: [0, 0]))
    model.initializers.append(ModelBytes.tensor("w", [2, 1, 1, 1], 3, raw: [16, UInt8(bitPattern: -8)]))
    model.initializers.append(ModelBytes.tensor("b", [2], 6, raw: Int32(4).littleBytes + Int32(-2).littleBytes))
    model.node("QuantizeLinear", ["x", "xs", "xz"], ["xq"])
    model.node("QLinearConv", ["xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["yq"], name: "conv")
    model.node("MaxPool", ["yq"], ["pq"], [("kernel_shape", .ints([1, 2])), ("strides", .ints([1, 2]))])
    model.node("DequantizeLinear", ["pq", "ys", "yz"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.type) == ["FakeQuantize", "FakeQuantize", "Conv", "MaxPool", "FakeQuantize"])
    #expect(graph.node(named: "conv")?.op is Convolution)
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 1)
    let y = try #require(try executor.forward(["x": NDArray([1.1, -2, 3, 0.4], shape: [1, 1, 1, 4])], mode: .evaluation)["y"])
    // x is rounded to [1, −1.5, 3, 0.5] (codes from 0 on: −1.5 is the least); filters 2 and −2, biases 0.25 and −0.25.
    #expect(y.elements == [2.25, 6.25, 2.75, 0])
  }

  @Test func otherFormsOnIntegersAreReadAlike() throws {
    var model = ModelBytes(input: ["N", 3])
    for name in ["s", "t"] { model.weights(name, [], [0.25]) }
    model.initializers.append(ModelBytes.tensor("z", [], 2, raw: [128]))
    model.initializers.append(ModelBytes.tensor("w", [3, 2], 3, raw: [1, 2, 3, 4, 5, 6]))
    model.initializers.append(ModelBytes.tensor("wz", [], 3, raw: [0]))
    model.domains = ["com.microsoft"]
    model.node("QuantizeLinear", ["x", "s", "z"], ["q"])
    model.node("QLinearAdd", ["q", "s", "z", "q", "s", "z", "s", "z"], ["a"], domain: "com.microsoft")
    model.node("QLinearMatMul", ["a", "s", "z", "w", "t", "wz", "s", "z"], ["m"])
    model.node("QLinearConcat", ["s", "z", "m", "s", "z", "m", "s", "z"], ["c"], domain: "com.microsoft", [("axis", .int(1))])
    model.node("DequantizeLinear", ["c", "s", "z"])
    let types = try ONNXFile.decode(model.bytes).nodes.map(\.type)
    #expect(types.filter { $0 != "FakeQuantize" } == ["Add", "MatMul", "Concat"])
    #expect(types.count { $0 == "FakeQuantize" } == 5)
  }
}
