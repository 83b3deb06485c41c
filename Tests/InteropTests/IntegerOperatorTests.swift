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
}
