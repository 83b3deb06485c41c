import Foundation
import QATGraph
import QATONNX
import QATOpenVINO
import Testing

/// Every operator over its attributes, written as OpenVINO IR: OpenVINO computes what ONNX Runtime computes of the file that the operator came from.
@Suite struct OpenVINOVariantTests {
  private struct Variant: Decodable {
    var name: String
    var description: String
    var inputs: [String: [Int]]
    var shape: [Int]
  }

  private struct Shapes: Encodable {
    var inputs: [String: [Int]]
    var y: [Int]
  }

  /// Distance from the expected values, or -1 and what went wrong.
  private struct Outcome: Decodable {
    var distance: Double
    var fault: String

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      distance = try container.decode(Double.self)
      fault = try container.decode(String.self)
    }
  }

  /// What OpenVINO has no form for, by the words of the refusal.
  private static let refusals = [
    "mode wrap", "antialiasing", "coordinates half_pixel_symmetric", "coordinates tf_crop_and_resize", "without weights outside",
    "keeps the aspect ratio",
    "storage_order 1", "norm pooling that rounds its size up",
  ]

  @Test func computesWhatONNXRuntimeComputes() throws {
    let folder = try TemporaryFolder()
    let variants = try PythonRuntime.run("operator_variants.py", ["make", folder.path], as: [Variant].self)
    var refused: [String: Int] = [:]
    for variant in variants {
      do {
        let graph = try ONNXFile.read(contentsOf: folder.file("\(variant.name).onnx"))
        try OpenVINOFile.write(graph, to: folder.file("\(variant.name).xml"))
        let shapes = try JSONEncoder().encode(Shapes(inputs: variant.inputs, y: variant.shape))
        try shapes.write(to: URL(filePath: folder.file("\(variant.name).shapes")))
      } catch let error as OpenVINOError {
        let reason = try #require(Self.refusals.first { error.reason.contains($0) }, "\(variant.description): \(error)")
        refused[reason, default: 0] += 1
      }
    }
    let outcomes = try PythonRuntime.run("openvino_variants.py", [folder.path], as: [String: Outcome].self)
    #expect(outcomes.count == variants.count - refused.values.reduce(0, +))
    let descriptions = Dictionary(uniqueKeysWithValues: variants.map { ($0.name, $0.description) })
    for (name, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
      #expect(outcome.distance >= 0 && outcome.distance <= 2e-5, "\(descriptions[name] ?? name): \(outcome.distance) \(outcome.fault)")
    }
    print("\(outcomes.count) variants of operators as OpenVINO IR; refused, since OpenVINO has no form for it: \(refused.sorted { $0.key < $1.key })")
  }
}
