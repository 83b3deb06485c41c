import Foundation
import QATEngine
import QATGraph
import QATONNX
import QATTensor
import Testing

/// What converters leave that bring a network from another order of dimensions or another set of operators, in files written byte by byte.
@Suite struct ONNXConverterTests {
  private func output(_ graph: Graph, _ x: [Float], _ shape: [Int]) throws -> [Float] {
    var executor = try ReferenceExecutor<Float>(graph, batchSize: shape[0])
    return try #require(try executor.forward(["x": NDArray(x, shape: shape)], mode: .evaluation)["y"]).elements
  }

  private static let toEnd: [(String, ModelBytes.Attribute)] = [("perm", .ints([0, 2, 3, 1]))]
  private static let toFront: [(String, ModelBytes.Attribute)] = [("perm", .ints([0, 3, 1, 2]))]

  @Test func transpositionsAroundAFormulaGo() throws {
    var model = ModelBytes(input: ["N", 2, 1, 3])
    model.weights("two", [1, 1, 1, 1], [2])
    model.node("Relu", ["x"], ["a"])
    model.node("Transpose", ["a"], ["b"], Self.toEnd)
    model.node("Exp", ["b"], ["c"])
    model.node("Mul", ["two", "c"], ["d"])
    model.node("Add", ["d", "b"], ["e"])
    model.node("Transpose", ["e"], ["y"], Self.toFront)
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.type) == ["Relu", "Exp", "Mul", "Add"])
    let x: [Float] = [-1, 0, 1, 0.5, 2, -3]
    #expect(zip(try output(graph, x, [1, 2, 1, 3]), x.map { 2 * exp(max($0, 0)) + max($0, 0) }).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func aPairOfTranspositionsGoes() throws {
    var model = ModelBytes(input: ["N", 2, 1, 3])
    model.node("Transpose", ["x"], ["a"], Self.toEnd)
    model.node("Transpose", ["a"], ["b"], Self.toFront)
    model.node("Transpose", ["b"], ["c"], Self.toEnd)
    model.node("Transpose", ["c"], ["d"], Self.toFront)
    model.node("Relu", ["d"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.type) == ["Relu"] && graph.nodes[0].inputs == ["x"])
  }

  /// A row of transpositions there and back, each of which could go with the one before or the one behind it.
  @Test(arguments: 1...6) func aRowOfTranspositionsComputesTheSame(count: Int) throws {
    var model = ModelBytes(input: ["N", 2, 1, 3])
    var last = "x"
    for index in 0..<count {
      model.node("Transpose", [last], ["t\(index)"], index % 2 == 0 ? Self.toEnd : Self.toFront)
      model.node("Relu", ["t\(index)"], [index == count - 1 ? "y" : "r\(index)"])
      last = "r\(index)"
    }
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.count { $0.op is Transpose } == count % 2)
    let x: [Float] = [-1, 0, 1, 0.5, 2, -3]
    let y = x.map { max($0, 0) }
    #expect(try output(graph, x, [1, 2, 1, 3]) == (count % 2 == 0 ? y : [0, 3, 1, 4, 2, 5].map { y[$0] }))
  }

  @Test func transpositionsStayWhereSomebodyLooks() throws {
    var model = ModelBytes(input: ["N", 2, 1, 3])
    model.outputs += ModelBytes(output: "seen").outputs
    model.node("Transpose", ["x"], ["a"], Self.toEnd)
    model.node("Relu", ["a"], ["seen"])
    model.node("Transpose", ["seen"], ["y"], Self.toFront)
    #expect(try ONNXFile.decode(model.bytes).nodes.map(\.type) == ["Transpose", "Relu", "Transpose"])
  }

  @Test(arguments: [1, 2], ["Conv", "ConvTranspose"]) func aFactorAndAShiftOfEachChannelGoIntoTheConvolution(groups: Int, type: String) throws {
    if type == "ConvTranspose", groups > 1 { return }
    var model = ModelBytes(input: ["N", 2, 1, 1])
    model.weights("w", [2, 2 / groups, 1, 1])
    model.weights("factor", [1, 2, 1, 1], [2, -3])
    model.weights("shift", [2, 1, 1], [0.5, 0.25])
    model.node(type, ["x", "w"], ["a"], name: "layer", [("group", .int(groups))])
    model.node("Mul", ["a", "factor"], ["b"])
    model.node("Add", ["shift", "b"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.type) == [type])
    #expect(graph.constants.values.allSatisfy { $0.role == .parameter } && graph.tensor(graph.nodes[0].inputs[2]) == Tensor([0.5, 0.25], shape: [2]))
    // Weights are n / 16 − 1, n counting them.
    let w = (0..<4 / groups).map { Float($0) / 16 - 1 }
    let sums: [Float] =
      groups == 2 ? [w[0] * 4, w[1] * 8] : type == "Conv" ? [w[0] * 4 + w[1] * 8, w[2] * 4 + w[3] * 8] : [w[0] * 4 + w[2] * 8, w[1] * 4 + w[3] * 8]
    #expect(zip(try output(graph, [4, 8], [1, 2, 1, 1]), [2 * sums[0] + 0.5, -3 * sums[1] + 0.25]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func aWeightOfTwoConvolutionsIsScaledForOne() throws {
    var model = ModelBytes(input: ["N", 2, 1, 1])
    model.weights("w", [2, 2, 1, 1])
    model.weights("factor", [1, 2, 1, 1], [2, -3])
    model.node("Conv", ["x", "w"], ["a"])
    model.node("Mul", ["a", "factor"], ["b"])
    model.node("Conv", ["b", "w"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(graph.nodes.map(\.type) == ["Conv", "Conv"])
    #expect(graph.tensor(graph.nodes[1].inputs[1])?.floats?[0] == -1 && graph.tensor(graph.nodes[0].inputs[1])?.floats?[0] == -2)
  }

  /// tf2onnx looks for the larger of two batch sizes before it reshapes.
  @Test(arguments: [("Max", ["n", "one"]), ("Max", ["n", "n"]), ("Min", ["n", "twice"])])
  func shapesAreComputedWithTheLargerAndTheSmallerOfTwo(type: String, operands: [String]) throws {
    var model = ModelBytes(input: ["N", 2, 1, 3])
    model.integers("zero", [0])
    model.integers("one", [1])
    model.integers("two", [2])
    model.integers("rest", [6])
    model.node("Shape", ["x"], ["shape"])
    model.node("Gather", ["shape", "zero"], ["n"])
    model.node("Mul", ["n", "two"], ["twice"])
    model.node(type, operands, ["m"])
    model.node("Concat", ["m", "rest"], ["target"], [("axis", .int(0))])
    model.node("Reshape", ["x", "target"])
    let graph = try ONNXFile.decode(model.bytes)
    #expect(try graph.tensorTypes()["y"] == TensorType([.batch, .fixed(6)]))
  }
}
