import Foundation
import QATEngine

/// What OpenVINO computes, and how.
struct OpenVINORun {
  /// A layer of the graph that OpenVINO executes.
  struct Layer: Decodable {
    let name: String
    let type: String
    let precision: String
    let nodes: [String]
  }

  private struct Report: Decodable {
    let outputs: [String: String]
    let layers: [Layer]
  }

  /// Outputs by name.
  let outputs: [String: [Float]]
  let layers: [Layer]

  init(_ model: String, on images: NDArray<Float>, in folder: TemporaryFolder) throws {
    let input = folder.file("openvino-input")
    try images.elements.withUnsafeBytes { Data($0) }.write(to: URL(filePath: input))
    let report = try PythonRuntime.run("openvino_run.py", [model, input, "\(images.shape)", folder.path], as: Report.self)
    layers = report.layers
    outputs = try report.outputs.mapValues { file in
      try Data(contentsOf: URL(filePath: file)).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
  }
}
