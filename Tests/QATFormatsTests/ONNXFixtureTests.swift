import Foundation
import QATEngine
import QATGraph
import QATONNX
import QATSafetensors
import QATTensor
import Testing

/// Folder of the recorded files.
let onnxFixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/onnx")
  .path

/// A fixture's network; one whose file leaves the size of images open gets that of the recorded ones.
func fixture(_ name: String) throws -> Graph {
  try ONNXFile.read(contentsOf: "\(onnxFixtures)/\(name).onnx", inputShapes: name.contains("open") ? ["input": [.batch, 1, 28, 28]] : [:])
}

/// All networks that PyTorch exported, in all the forms that users export them in.
let exportedNetworks = [
  "residual", "residual-opset9", "residual-training", "residual-training-opset13", "residual-fresh", "residual-dynamo", "mobile", "mobile-opset11",
  "mobile-dynamo", "shuffle", "shuffle-fixed-batch", "residual-open", "residual-open-dynamo",
]

@Suite("Networks exported by PyTorch") struct ONNXFixtureTests {
  @Test(arguments: exportedNetworks) func computeWhatPyTorchComputes(name: String) throws {
    let (recorded, _) = try Safetensors.read(contentsOf: "\(onnxFixtures)/expected.safetensors")
    let input = try #require(recorded["\(name).input"])
    let expected = try #require(recorded["\(name).output"])
    let graph = try fixture(name)
    #expect(graph.inputs[0].type.dimensions[0] == .batch)
    var executor = try ReferenceExecutor<Double>(graph, batchSize: input.shape[0])
    let values = try executor.forward([graph.inputs[0].name: NDArray(input)], mode: .evaluation)
    let output = try #require(values[graph.outputs[0]])
    #expect(output.shape == expected.shape)
    for (found, value) in zip(output.elements, try #require(expected.floats)) { #expect(abs(Float(found) - value) < 1e-5) }
  }

  @Test(arguments: exportedNetworks) func surviveWritingAndReading(name: String) throws {
    let graph = try fixture(name)
    let path = NSTemporaryDirectory() + "onnx-\(UUID().uuidString).onnx"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ONNXFile.write(graph, to: path, metadata: ["origin": name])
    let again = try ONNXFile.read(contentsOf: path)
    #expect(again.name == graph.name && again.inputs == graph.inputs && again.outputs == graph.outputs)
    #expect(again.constants == graph.constants)
    #expect(again.nodes.map(\.described) == graph.nodes.map(\.described))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try ONNXFile.write(again, to: path, metadata: ["origin": name])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
  }

  @Test(arguments: [
    "residual", "residual-opset9", "residual-training", "residual-training-opset13", "residual-fresh", "residual-dynamo", "residual-open",
    "residual-open-dynamo",
  ])
  func everyFormIsTheSameNetwork(name: String) throws {
    let graph = try fixture(name)
    let types = graph.nodes.map(\.type).filter { !["Dropout", "GlobalAveragePool", "ReduceMean", "Flatten", "Reshape"].contains($0) }
    #expect(
      types == ["Conv", "BatchNormalization", "Relu", "MaxPool", "Conv", "BatchNormalization", "Conv", "BatchNormalization", "Add", "Relu", "Gemm"])
    // No bias of zeros is left on a convolution whose shift batch norm holds.
    #expect(graph.nodes.filter { $0.type == "Conv" }.allSatisfy { $0.inputs.count == 2 })
    #expect(graph.nodes.compactMap { $0.as(BatchNormalization.self)?.momentum }.allSatisfy { abs($0 - 0.9) < 1e-6 })
    #expect(graph.constants["conv1.weight"]?.role == .parameter)
    #expect(graph.constants["bn1.weight"]?.role == .parameter)
    #expect(graph.constants["bn1.bias"]?.role == .parameter)
    #expect(graph.constants["bn1.running_mean"]?.role == .statistic)
    #expect(graph.constants["bn1.running_var"]?.role == .statistic)
    #expect(graph.constants["fc.bias"]?.role == .parameter)
    #expect(graph.constants.count == 17)
  }

  @Test func equalInitializersThatTheExporterMergedAreApartAgain() throws {
    let graph = try fixture("residual-fresh")
    let norm = try #require(graph.nodes.first { $0.type == "BatchNormalization" })
    #expect(Set(norm.inputs).count == 5)
    #expect(graph.tensor(norm.inputs[1]) == graph.tensor(norm.inputs[4]))
  }

  @Test(arguments: ["mobile", "mobile-opset11", "mobile-dynamo"]) func theHardSwishIsOneOperator(name: String) throws {
    let types = try fixture(name).nodes.map(\.type)
    #expect(types.count { $0 == "HardSwish" } == 1)
    #expect(!types.contains("Mul"))
    #expect(types.count { $0 == "Clip" } == 2)
  }

  @Test(arguments: ["shuffle", "shuffle-fixed-batch"]) func linearLayersOverTokensAreTrained(name: String) throws {
    let graph = try fixture(name)
    let product = try #require(graph.nodes.first { $0.type == "MatMul" })
    let sum = try #require(graph.nodes.first { $0.type == "Add" })
    #expect(graph.constants[product.inputs[1]]?.role == .parameter)
    #expect(sum.inputs.compactMap { graph.constants[$0]?.role } == [.parameter])
    #expect(graph.nodes.filter { $0.type == "Mul" }.flatMap(\.inputs).compactMap { graph.constants[$0]?.role } == [.fixed])
  }

  @Test func externalDataBelongsToTheFileOnly() throws {
    let error = #expect(throws: ONNXError.self) {
      try ONNXFile.decode(Array(try Data(contentsOf: URL(fileURLWithPath: "\(onnxFixtures)/residual-dynamo.onnx"))))
    }
    #expect(error?.description.contains("residual-dynamo.onnx.data") == true)
  }

  @Test func aNoteTellsWhenBatchNormalizationIsGone() throws {
    #expect(ONNXFile.notes(for: try fixture("residual")).isEmpty)
    let notes = ONNXFile.notes(for: try fixture("shuffle"))
    #expect(notes.count == 1 && notes[0].contains("TrainingMode.PRESERVE"))
  }

  @Test(arguments: ["residual", "residual-fresh", "mobile-opset11", "shuffle"]) func mutatedFilesNeverCrashTheReader(name: String) throws {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(onnxFixtures)/\(name).onnx")))
    var random = SeededGenerator(seed: UInt64(name.utf8.count))
    var refused = 0
    for _ in 0..<1000 {
      do { _ = try ONNXFile.decode(bytes.mutated(using: &random)) } catch { refused += 1 }
    }
    #expect(refused > 100)
  }
}

extension Node {
  /// Everything that a node is, to compare two.
  var described: String { "\(name): \(op) \(inputs) → \(outputs)" }
}
