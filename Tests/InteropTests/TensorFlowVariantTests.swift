import Foundation
import QATEngine
import QATGraph
import QATTensor
import QATTensorFlow
import Testing

/// Every operator of TensorFlow that is read, in the forms that models hold it in: read, run, written again, and run by TensorFlow.
@Suite struct TensorFlowVariantTests {
  private struct Variant: Decodable {
    var name: String
    var model: String
    var inputs: [String: FrozenModel.Array]
    var output: FrozenModel.Array
  }

  private struct Order: Encodable {
    var model: String
    var inputs: [String: FrozenModel.Array]
    var output: String
  }

  @Test func eachFormComputesWhatTensorFlowComputesAndIsWrittenAgain() throws {
    let folder = try TemporaryFolder()
    let variants = try PythonRuntime.run("tensorflow_variants.py", [folder.path], as: [Variant].self)
    var written: [(variant: Variant, order: Order)] = []
    for variant in variants {
      do {
        let graph = try TensorFlowFile.read(contentsOf: variant.model)
        let expected = try variant.output.tensor()
        let ours = try Self.values(graph, variant)
        #expect(relativeDistance(ours, expected.floats ?? []) <= 1e-5, "\(variant.name)")
        if graph.nodes.contains(where: { $0.op is FakeQuantize }) { continue }
        let file = "\(variant.model).again.pb"
        try TensorFlowFile.write(graph, to: file)
        #expect(relativeDistance(try Self.values(TensorFlowFile.read(contentsOf: file), variant), ours) <= 1e-5, "\(variant.name), read again")
        written.append((variant, Order(model: file, inputs: variant.inputs, output: "\(file).bin")))
      } catch {
        Issue.record("\(variant.name): \(error)")
      }
    }
    let list = folder.file("orders.json")
    try JSONEncoder().encode(written.map(\.order)).write(to: URL(filePath: list))
    let shapes = try PythonRuntime.run("run_variants.py", [list], as: [[Int]].self)
    for ((variant, order), shape) in zip(written, shapes) {
      #expect(shape == variant.output.shape, "\(variant.name)")
      #expect(relativeDistance(try FrozenModel.floats(order.output), try variant.output.values()) <= 1e-5, "\(variant.name), run by TensorFlow")
    }
  }

  private static func values(_ graph: Graph, _ variant: Variant) throws -> [Float] {
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 3)
    let inputs = try variant.inputs.mapValues { NDArray<Float>(try $0.tensor()) }
    return try #require(try executor.forward(inputs, mode: .evaluation)[graph.outputs[0]]).elements
  }
}
