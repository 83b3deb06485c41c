import Foundation
import QATEngine
import QATGraph
import QATLowering
import QATONNX
import QATTensor
import Testing

/// The quantized ONNX files in the onnx package and in ONNX Runtime.
@Suite struct ONNXRuntimeTests {
  private static let batch = 32

  private struct Description: Decodable {
    let opset: Int
    let ir: Int
    let inputs: [String]
    let outputs: [String]
    let batch: String
    let metadata: [String: String]
    let initializers: [String: String]
  }

  private static func images(for graph: Graph) -> NDArray<Float> {
    let type = graph.inputs[0].type
    var net = QuantizedNetwork(channels: type.dimensions[1].fixedSize ?? 0, size: type.dimensions[2].fixedSize ?? 0, seed: 7)
    return net.images(batch)
  }

  private static func deployed(_ graph: Graph, on images: NDArray<Float>) throws -> [TensorName: NDArray<Float>] {
    var executor = try ReferenceExecutor<Float>(graph, batchSize: images.shape[0])
    return try executor.forward([graph.inputs[0].name: images], mode: .evaluation)
  }

  @Test(arguments: ExampleNetwork.allCases)
  func filesPassTheFullCheck(network: ExampleNetwork) throws {
    let folder = try TemporaryFolder()
    let graph = try network.graph()
    try ONNXFile.write(lower(graph), to: folder.file("model.onnx"), metadata: ["source": "test"])
    let description = try PythonRuntime.run("check.py", [folder.file("model.onnx")], as: Description.self)
    #expect(description.opset == 13)
    #expect(description.ir == 7)
    #expect(description.inputs == ["image"])
    #expect(description.outputs == graph.outputs)
    #expect(description.batch == "batch")
    #expect(description.metadata["source"] == "test")
    #expect(description.metadata["quantization"]?.contains("0 float operators") == true)
    for (name, constant) in graph.constants where name.hasSuffix(".weight") && constant.tensor.shape.count > 1 {
      #expect(description.initializers[name] == "INT8", "\(name)")
    }
  }

  @Test(arguments: ExampleNetwork.allCases)
  func everyLayerRunsOnIntegers(network: ExampleNetwork) throws {
    let folder = try TemporaryFolder()
    let lowered = try lower(network.graph())
    try ONNXFile.write(lowered, to: folder.file("model.onnx"))
    let operators = try PythonRuntime.run("operators.py", [folder.file("model.onnx")], as: [String: Int].self)
    let convolutions = lowered.integerLayers.count { $0.type == "Conv" }
    #expect(operators["QLinearConv", default: 0] == convolutions, "\(operators)")
    let linear = ["QGemm", "QLinearMatMul", "MatMulIntegerToFloat"].map { operators[$0, default: 0] }.reduce(0, +)
    #expect(linear == lowered.integerLayers.count - convolutions, "\(operators)")
    let floating = ["Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "Add", "GlobalAveragePool", "Relu", "Mul"]
    for type in floating { #expect(operators[type] == nil, "\(type) runs in floating point: \(operators)") }
    // The network's input is quantized once, its result is floating point already: nothing else leaves the integers.
    #expect(operators["DequantizeLinear", default: 0] == 0, "\(operators)")
    #expect(operators["QuantizeLinear", default: 0] == 1, "\(operators)")
  }

  @Test(arguments: ExampleNetwork.allCases, [true, false])
  func codesAreThoseOfTheSimulation(network: ExampleNetwork, halfRange: Bool) throws {
    let folder = try TemporaryFolder()
    let lowered = try lower(network.graph(halfRange: halfRange))
    try ONNXFile.write(lowered, to: folder.file("model.onnx"))
    let images = Self.images(for: lowered.simulation)
    let runtime = try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)
    let ours = try Self.deployed(lowered.simulation, on: images)
    var compared = 0
    for node in lowered.simulation.nodes where node.op is FakeQuantize {
      let codes = try #require(lowered.activations[node.outputs[0]])
      guard let theirs = runtime["\(node.inputs[0])_q"] else { continue }
      let expected = try #require(ours[node.outputs[0]]).elements.map { Float(codes.code($0)) }
      try #require(theirs.count == expected.count)
      let distances = zip(theirs, expected).map { abs($0 - $1) }
      let differing = distances.count { $0 > 0 }
      #expect(distances.allSatisfy { $0 <= 1 }, "\(node.name): \(distances.max() ?? 0) steps apart")
      #expect(Double(differing) <= 0.001 * Double(distances.count) + 1, "\(node.name): \(differing) of \(distances.count) codes differ")
      compared += 1
    }
    #expect(compared >= 2)
    let logits = try #require(ours[lowered.simulation.outputs[0]]).elements
    let theirs = try #require(runtime[lowered.simulation.outputs[0]])
    let largest = logits.map(abs).max() ?? 0
    #expect(zip(logits, theirs).allSatisfy { abs($0 - $1) < 0.02 * largest })
  }

  @Test(arguments: ExampleNetwork.allCases)
  func readingTheFileBackGivesTheSameNetwork(network: ExampleNetwork) throws {
    let folder = try TemporaryFolder()
    let lowered = try lower(network.graph())
    try ONNXFile.write(lowered, to: folder.file("model.onnx"))
    let graph = try ONNXFile.read(contentsOf: folder.file("model.onnx"))
    let images = Self.images(for: graph)
    let runtime = try PythonRuntime.outputs(of: folder.file("model.onnx"), on: images, in: folder)
    let ours = try #require(try Self.deployed(graph, on: images)[graph.outputs[0]])
    let theirs = try #require(runtime[graph.outputs[0]])
    let largest = theirs.map(abs).max() ?? 0
    #expect(zip(ours.elements, theirs).allSatisfy { abs($0 - $1) < 0.02 * largest })
    // And lowering it again gives the same integers.
    let again = try lower(graph)
    #expect(again.integerLayers.map(\.type) == lowered.integerLayers.map(\.type))
    for (first, second) in zip(lowered.integerLayers, again.integerLayers) {
      #expect(lowered.weights[first.weight]?.codes == again.weights[second.weight]?.codes)
      guard let before = first.bias.flatMap({ lowered.biases[$0] }), let after = second.bias.flatMap({ again.biases[$0] }) else { continue }
      #expect(zip(before.codes, after.codes).allSatisfy { abs(Int($0) - Int($1)) <= 1 + abs(Int($0)) / 1_000_000 })
    }
  }
}
