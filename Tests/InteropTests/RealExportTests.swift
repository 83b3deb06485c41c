import Foundation
import QATEngine
import QATGraph
import QATONNX
import QATSafetensors
import QATTensor
import Testing

/// Networks as PyTorch's two exporters and tf2onnx write them, with weights from a seed: what we read computes what ONNX Runtime computes, also with batch normalisation
/// in training; a training step runs; and what we write of it is a valid file that computes the same.
///
/// Tests/Fixtures/exports holds the smallest network of each family. `QAT_TEST_EXPORTS` names another folder: `make.py FOLDER full` there makes the published sizes.
@Suite("Real exports") struct RealExportTests {
  private struct Case: Decodable {
    var name: String
    var batch: Int
    /// How far, of the largest value, ONNX Runtime's own outputs move when the inputs are off by rounding; by "eval" and "train".
    var noise: [String: Float]
    /// Why ONNX Runtime's outputs are nothing to compare with.
    var faults: [String]
  }

  /// The folder of the networks that are kept.
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/exports").standardizedFileURL.path

  private static var source: String { ProcessInfo.processInfo.environment["QAT_TEST_EXPORTS"] ?? fixtures }

  @Test func computeWhatTheRuntimeComputes() throws {
    let folder = try TemporaryFolder()
    let names = try PythonRuntime.run("exports.py", ["fill", Self.source, folder.path], as: [String].self)
    #expect(!names.isEmpty)
    let cases = try PythonRuntime.run("exports.py", ["run", folder.path], as: [Case].self)
    #expect(cases.map(\.name).sorted() == names.sorted())
    var worst: [(distance: Float, name: String)] = []
    for test in cases {
      guard test.faults.isEmpty else {
        Issue.record("\(test.name): \(test.faults.joined(separator: "; "))")
        continue
      }
      do {
        worst.append((try Self.check(test, folder), test.name))
      } catch {
        Issue.record("\(test.name): \(error)")
      }
    }
    let faults = try PythonRuntime.run("exports.py", ["check", folder.path], as: [String: String].self)
    #expect(faults.isEmpty, "files that we wrote: \(faults.sorted { $0.key < $1.key })")
    print("\(cases.count) real exports compared with ONNX Runtime; the farthest apart:")
    let shown = Self.source == Self.fixtures ? 5 : worst.count
    for (distance, name) in worst.sorted(by: { $0.distance > $1.distance }).prefix(shown) { print("  \(name): \(distance) of the largest value") }
    print(
      "\(worst.count { $0.distance > 1e-5 }) are farther than 1e-5 apart: ONNX Runtime's own outputs move that far when inputs are off by rounding")
  }

  /// - Returns: how far apart the outputs are, in the worst case.
  private static func check(_ test: Case, _ folder: TemporaryFolder) throws -> Float {
    let graph = try ONNXFile.read(contentsOf: folder.file("\(test.name).onnx"))
    let (data, _) = try Safetensors.read(contentsOf: folder.file("\(test.name).safetensors"))
    let state = try ModelState(graph)
    let evaluation = try Plan(graph, state: state, batchSize: test.batch, mode: .evaluation)
    try fill(evaluation, graph, data)
    var worst = try distance(evaluation, graph, data, "eval", test)
    let training = try Plan(graph, state: state, batchSize: test.batch, mode: .training)
    try fill(training, graph, data)
    if data.keys.contains(where: { $0.hasPrefix("train/") }) { worst = max(worst, try distance(training, graph, data, "train", test)) }
    try step(training, graph, state, test.name)
    try ONNXFile.write(graph, to: folder.file("\(test.name).again.onnx"))
    return worst
  }

  /// Gives a plan the inputs that ONNX Runtime had.
  static func fill(_ plan: Plan, _ graph: Graph, _ data: [String: Tensor]) throws {
    for input in graph.inputs {
      _ = plan.input(input.name).update(fromContentsOf: NDArray<Float>(try #require(data["in/\(input.name)"])).elements)
    }
  }

  private static func distance(_ plan: Plan, _ graph: Graph, _ data: [String: Tensor], _ kind: String, _ test: Case) throws -> Float {
    plan.forward()
    var worst: Float = 0
    for output in graph.outputs {
      let tensor = try #require(data["\(kind)/\(output)"])
      let expected = try #require(tensor.floats)
      let found = Array(plan.output(output))
      let scale = expected.map { abs($0) }.max() ?? 0
      let distance = zip(found, expected).reduce(0 as Float) { max($0, abs($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) } / scale
      // Deep networks carry rounding further than 1e-5, in whatever runtime; RealExportPrecisionTests compares both with float64.
      let limit = max(1e-5, 5 * test.noise[kind, default: 0])
      #expect(
        found.count == expected.count && scale > 0 && distance <= limit, "\(test.name), \(kind): \(output) is \(distance) of its largest value apart")
      worst = max(worst, distance)
    }
    return worst
  }

  /// Gradients of every parameter arrive, and a step along them changes what the network computes.
  private static func step(_ plan: Plan, _ graph: Graph, _ state: ModelState, _ name: String) throws {
    plan.forward()
    let before = Array(plan.output(graph.outputs[0]))
    for output in graph.outputs { plan.outputGradient(output).update(repeating: 1 / Float(plan.outputGradient(output).count)) }
    plan.backward()
    let gradients = state.gradients
    let isFinite = gradients.allSatisfy(\.isFinite)
    #expect(isFinite, "\(name): a gradient is not finite")
    let silent = state.parameterSlots.filter { slot in gradients[slot.range].allSatisfy { $0 == 0 } }
    #expect(silent.count < state.parameterSlots.count, "\(name): no gradient arrives")
    for index in gradients.indices { state.parameters.elements[index] -= 0.01 * gradients[index] }
    plan.forward()
    #expect(Array(plan.output(graph.outputs[0])) != before, "\(name): a step changes nothing")
  }
}
