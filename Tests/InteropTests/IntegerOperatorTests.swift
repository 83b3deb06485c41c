import QATEngine
import QATGraph
import QATONNX
import QATSafetensors
import QATTensor
import Testing

/// Models that other tools quantized into operators on integers.
@Suite struct IntegerOperatorTests {
  @Test func computeAsFakeQuantizersWhatTheRuntimeComputesOnIntegers() throws {
    let folder = try TemporaryFolder()
    let distinct = try PythonRuntime.run("integer_network.py", [folder.path], as: Int.self)
    #expect(distinct >= 10)
    let graph = try ONNXFile.read(contentsOf: folder.file("integers.onnx"))
    let types: Set = [
      "FakeQuantize", "Conv", "MaxPool", "Add", "Sigmoid", "Mul", "Concat", "AveragePool", "LeakyRelu", "GlobalAveragePool", "MatMul", "Gemm",
      "Softmax",
    ]
    #expect(types.isSubset(of: graph.nodes.map(\.type)))
    let (data, _) = try Safetensors.read(contentsOf: folder.file("case.safetensors"))
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 4)
    let image = NDArray<Float>(try #require(data["image"]))
    let found = try executor.forward(["image": image], mode: .evaluation)
    for (name, step) in [("scores", 0.02), ("shares", 1 / 256)] as [(String, Float)] {
      let expected = try #require(data[name]?.floats)
      let distances = zip(try #require(found[name]).elements, expected).map { abs($0 - $1) }
      // Ties of the integers may fall to the other side in floating point, which moves a result by one step of its grid.
      #expect(distances.count == 20 && distances.allSatisfy { $0 < step * 1.01 }, "\(name): \(distances)")
      // The runtime's softmax sums exponentials out of a table of its own.
      if name == "scores" { #expect(distances.count { $0 > step / 2 } <= 2, "\(distances)") }
    }
  }

  private struct Case: Decodable {
    var name: String
    /// Scale of the output's grid.
    var scale: Float
    /// Whether the runtime computes on another grid than the node says.
    var isCut: Bool
  }

  /// Single operators on every code there is: QLinearSoftmax beside ONNX Runtime's kernel, QLinearReduceMean, for which it has none, beside its formula in ONNX Runtime's own operators.
  ///
  /// The softmax of ONNX Runtime rounds quotients of whole numbers half up and takes 1 / scale without what stands behind the point. So the codes are the same unless a quotient is a tie, where the
  /// reciprocal of the scale is a whole number; otherwise it computes for another scale than the file says, which nothing that takes the file at its word can follow.
  @Test func singleOperatorsGiveTheCodesOfTheRuntime() throws {
    let folder = try TemporaryFolder()
    let cases = try PythonRuntime.run("integer_operators.py", [folder.path], as: [Case].self)
    #expect(cases.count >= 14 && cases.contains(where: \.isCut) && cases.contains { $0.name.hasPrefix("mean") })
    for test in cases {
      let graph = try ONNXFile.read(contentsOf: folder.file("\(test.name).onnx"))
      #expect(graph.nodes.contains { $0.op is FakeQuantize } && graph.nodes.contains { $0.op is Softmax || $0.op is ReduceMean }, "\(test.name)")
      let (data, _) = try Safetensors.read(contentsOf: folder.file("\(test.name).safetensors"))
      let input = NDArray<Double>(try #require(data["in"]))
      var executor = try ReferenceExecutor<Double>(graph, batchSize: input.shape[0])
      let found = try #require(try executor.forward([graph.inputs[0].name: input], mode: .evaluation)[graph.outputs[0]]).elements
      let expected = try #require(data["out"]?.floats)
      try #require(found.count == expected.count && found.count > 300)
      // Between two codes, in steps.
      let distances = zip(found, expected).map { abs(($0 - Double($1)) / Double(test.scale)) }
      let differing = distances.count { $0 > 0.5 }
      #expect(distances.allSatisfy { $0 < 1.01 }, "\(test.name): \(distances.max() ?? 0) steps apart")
      #expect(test.isCut ? differing > 0 : differing * 10_000 <= found.count, "\(test.name): \(differing) of \(found.count) codes differ")
    }
  }
}
