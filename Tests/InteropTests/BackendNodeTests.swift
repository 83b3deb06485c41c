import Foundation
import QATEngine
import QATGraph
import QATONNX
import QATSafetensors
import QATTensor
import Testing

/// The ONNX project's own tests of each operator that is read: imported, run by the plain kernels, and compared with what ONNX expects.
@Suite("ONNX's tests of its operators") struct BackendNodeTests {
  /// One of ONNX's tests, as node_tests.py lists it.
  struct NodeTest: Decodable {
    let name: String
    let types: [String]
    let outputs: [String]
    /// Why the test says nothing here: another element type, or no tensor.
    let obstacle: String?
    /// Whether it says what the operator computes in training.
    let training: Bool?
    /// Whether what it expects is ONNX Runtime's.
    let isRuntimes: Bool?
  }

  @Test func everyOperatorComputesWhatONNXExpects() throws {
    let folder = try TemporaryFolder()
    let patterns = Self.computedByTheRuntime.values.joined().joined(separator: ",")
    let tests = try PythonRuntime.run("node_tests.py", [folder.path, patterns] + ONNXFile.operatorTypes, as: [NodeTest].self)
    var skipped: [String: Int] = [:]
    var passed = 0
    for test in tests {
      if let reason = test.obstacle ?? Self.reason(for: test) {
        skipped[reason, default: 0] += 1
        continue
      }
      do {
        let model = folder.file("\(test.name).onnx")
        let (data, _) = try Safetensors.read(contentsOf: folder.file("\(test.name).safetensors"))
        try Self.check(test, model: model, data)
        passed += 1
      } catch is ONNXError where test.name.contains("_expanded") {
        // A function that ONNX spells out is a network of many operators: it may be refused, but never computed wrongly.
        skipped["a function spelled out in operators, of which one is refused", default: 0] += 1
      } catch {
        Issue.record("\(test.name): \(error)")
      }
    }
    let reasons = skipped.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "  \($0.value): \($0.key)" }
    print(
      "ONNX's node tests of \(ONNXFile.operatorTypes.count) operator types: \(passed) passed, \(skipped.values.reduce(0, +)) left out, because of")
    print(reasons.joined(separator: "\n"))
    let runtimes = tests.filter { $0.isRuntimes == true }
    print("\(runtimes.count) of them compared with ONNX Runtime: \(Self.computedByTheRuntime.keys.sorted().joined(separator: "; "))")
    #expect(passed >= 300)
    // An entry that leaves nothing out is out of date.
    for (reason, patterns) in Self.computedByTheRuntime {
      #expect(
        patterns.allSatisfy { pattern in runtimes.contains { fnmatch(pattern, $0.name, 0) == 0 } },
        "no test is computed by ONNX Runtime because \(reason)")
    }
    for reason in Self.exceptions.keys { #expect(skipped[reason] != nil, "no test is left out because of \(reason)") }
  }

  private static func check(_ test: NodeTest, model: String, _ data: [String: Tensor]) throws {
    var shapes: [TensorName: [QATGraph.Dimension]] = [:]
    for (key, tensor) in data where key.hasPrefix("in/") { shapes[String(key.dropFirst(3))] = tensor.shape.map { .fixed($0) } }
    let graph = try ONNXFile.read(contentsOf: model, inputShapes: shapes)
    var executor = try ReferenceExecutor<Float>(graph, batchSize: 1)
    var inputs: [TensorName: NDArray<Float>] = [:]
    for name in shapes.keys { inputs[name] = data["in/\(name)"].map { NDArray($0) } }
    let values = try executor.forward(inputs, mode: test.training == true ? .training : .evaluation)
    for name in test.outputs {
      let expected = NDArray<Float>(try #require(data["out/\(name)"]))
      let found = try #require(values[name], "\(test.name) has no output \(name)")
      #expect(found.shape == expected.shape, "\(test.name): the shape of \(name)")
      let distance = zip(found.elements, expected.elements).reduce(0 as Float) { max($0, Self.distance($1.0, $1.1)) }
      #expect(
        distance <= Self.tolerances[test.name, default: 1e-5],
        "\(test.name): \(name) is \(found.elements.prefix(8)), expected \(expected.elements.prefix(8))")
    }
  }

  /// How far apart two numbers are, relative to the second when it is above 1.
  private static func distance(_ found: Float, _ expected: Float) -> Float {
    if found == expected || found.isNaN && expected.isNaN { return 0 }
    let distance = abs(found - expected) / max(1, abs(expected))
    return distance.isNaN ? .infinity : distance
  }
}
