import Foundation
import QATEngine
import QATGraph
import QATONNX
import Testing

/// Every operator over its opsets and attributes, on files that the onnx package writes: what we read computes what ONNX Runtime computes, on the plain
/// kernels and on a plan, and what we write of it again is a valid file that computes the same.
@Suite struct OperatorVariantTests {
  struct Variant: Decodable {
    var name: String
    var description: String
    var inputs: [String: [Int]]
    var shape: [Int]
  }

  @Test func importAndExportComputeWhatTheRuntimeComputes() throws {
    let folder = try TemporaryFolder()
    let variants = try PythonRuntime.run("operator_variants.py", ["make", folder.path], as: [Variant].self)
    for variant in variants {
      do {
        let graph = try ONNXFile.read(contentsOf: folder.file("\(variant.name).onnx"))
        try compare(graph, variant, folder)
        try ONNXFile.write(graph, to: folder.file("\(variant.name).again.onnx"))
        #expect(try graph.outputs == ONNXFile.read(contentsOf: folder.file("\(variant.name).again.onnx")).outputs)
      } catch {
        Issue.record("\(variant.description): \(error)")
      }
    }
    let faults = try PythonRuntime.run("operator_variants.py", ["check", folder.path], as: [String: String].self)
    #expect(faults.isEmpty, "files that we wrote: \(faults.sorted { $0.key < $1.key })")
    print("\(variants.count) variants of \(Set(variants.map { $0.name.split(separator: "-")[1] }).count) operators compared with ONNX Runtime")
  }

  private func compare(_ graph: Graph, _ variant: Variant, _ folder: TemporaryFolder) throws {
    let expected = try floats(folder.file("\(variant.name).y"))
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 2, mode: .evaluation)
    var inputs: [TensorName: NDArray<Float>] = [:]
    for (name, shape) in variant.inputs {
      let values = try floats(folder.file("\(variant.name).\(name)"))
      inputs[name] = NDArray(values, shape: shape)
      _ = plan.input(name).update(fromContentsOf: values)
    }
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 2)
    let output = try #require(try executor.forward(inputs, mode: .evaluation)[graph.outputs[0]])
    #expect(output.shape == variant.shape, "\(variant.description)")
    expectClose(output.elements, expected, "\(variant.description), plain kernels")
    plan.forward()
    expectClose(Array(plan.output(graph.outputs[0])), expected, "\(variant.description), plan")
  }

  private func expectClose(_ found: [Float], _ expected: [Float], _ comment: String) {
    let scale = max(expected.filter(\.isFinite).map { abs($0) }.max() ?? 0, 1e-3)
    let worst = zip(found, expected).map { $0 == $1 ? 0 : abs($0 - $1) / scale }.max { !($1 <= $0) } ?? 0
    #expect(found.count == expected.count && worst <= 1e-5, "\(comment): \(worst) of the largest value")
  }

  private func floats(_ path: String) throws -> [Float] {
    try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
}
