import Foundation
import QATGraph
import Testing

@testable import QATEngine
@testable import QATONNX
@testable import QATQuantization

/// docs/operators.md is made from the code: QAT_UPDATE_SNAPSHOTS=1 writes it.
@Suite struct OperatorDocumentationTests {
  @Test func operatorsAreDocumentedAsTheyAre() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/operators.md").standardizedFileURL
    if ProcessInfo.processInfo.environment["QAT_UPDATE_SNAPSHOTS"] == "1" { try Self.text.write(to: file, atomically: true, encoding: .utf8) }
    #expect(try String(contentsOf: file, encoding: .utf8) == Self.text, "set QAT_UPDATE_SNAPSHOTS=1 to write the file again")
  }

  private static var text: String {
    let rows = allOperators.sorted { $0.type < $1.type }.map { kind in
      let columns = [kind.type, opset(kind), gradient(kind), PlanCompiler.fastPaths[kind.type] == nil ? "–" : "yes", trait(kind)]
      return "| " + columns.joined(separator: " | ") + " |"
    }
    return """
      # Operators

      <!-- Made from the code by OperatorDocumentationTests; QAT_UPDATE_SNAPSHOTS=1 swift test --filter OperatorDocumentationTests writes it again. -->

      What networks are made of here. Shapes and attributes are ONNX's; every operator has shape inference and a plain kernel in Float and Double.

      - **written in**: the first ONNX opset, from 13 on, in which an exported file holds the operator; a file gets the smallest opset that has all of its own.
      - **gradient**: checked against finite differences. An operator without one gives no floating point, or takes none.
      - **fast path**: training plans have a kernel of their own for it, at least for common attributes; otherwise they run the plain one.
      - **quantization**: what placement does on the device ANY. *inputs*: integer kernels want quantized inputs; *transparent*: a quantizer passes through;
        *joins*: the same, on all inputs; *float*: computed in floating point, a quantizer stops behind it.

      | operator | written in | gradient | fast path | quantization |
      |---|---|---|---|---|
      \(rows.joined(separator: "\n"))

      ## What ONNX files may hold

      Operators of opsets \(ONNXFile.opsets.lowerBound) to \(ONNXFile.opsets.upperBound) that are read. Those without a row above become others, or are computed
      while reading: arithmetic of shapes, constants.

      \(ONNXImporter.operators.keys.sorted().joined(separator: ", "))

      """
  }

  private static func opset(_ kind: any Operator.Type) -> String {
    (kind as? any ONNXWritable.Type).map { "\($0.firstOpset)" }
      ?? (kind == FakeQuantize.self ? "13, as a pair QuantizeLinear, DequantizeLinear" : "13, as 32-bit integers")
  }

  private static func gradient(_ kind: any Operator.Type) -> String {
    (kind as? any ReferenceKernel.Type).map { $0.isDifferentiable ? "yes" : "none" } ?? "no kernel"
  }

  private static func trait(_ kind: any Operator.Type) -> String {
    guard let row = OperatorClass.rows[kind.type] else { return "float" }
    // As placement classifies: an operator that the table names but does not list stays in floating point.
    var trait = row.trait
    if let operation = row.hardware {
      guard let entry = HardwareTable.cpu[operation] else { return "float" }
      if entry.activations != nil { trait = .inputsQuantizable }
    }
    let weights = row.weightPorts.isEmpty ? "" : " and weights"
    return switch trait {
    case .inputsQuantizable: "inputs" + weights
    case .agnostic: "transparent"
    case .concat: "joins"
    case .embedding: "weights"
    case .nonQuantizable: "float"
    }
  }
}
