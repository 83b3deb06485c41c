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
    #expect(
      Set(graph.nodes.map(\.type)).isSuperset(of: ["FakeQuantize", "Conv", "MaxPool", "Add", "Sigmoid", "Mul", "Concat", "GlobalAveragePool", "Gemm"])
    )
    let (data, _) = try Safetensors.read(contentsOf: folder.file("case.safetensors"))
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 4)
    let image = NDArray<Float>(try #require(data["image"]))
    let found = try #require(try executor.forward(["image": image], mode: .evaluation)["scores"])
    let expected = try #require(data["scores"]?.floats)
    // Ties of the integers may fall to the other side in floating point, which moves a result by one step of its grid.
    #expect(zip(found.elements, expected).allSatisfy { abs($0 - $1) < 0.02 * 1.01 })
    let moved = zip(found.elements, expected).count { abs($0 - $1) > 0.01 }
    #expect(moved <= 2)
  }
}
