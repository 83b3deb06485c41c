import Foundation
import QATGraph

extension ONNXFile {
  /// Writes a graph as an fp32 ONNX file: the smallest opset from 13 on that has its operators, tensor and node names as in the graph, batch normalisation
  /// kept, the batch a dimension named `batch`. Equal graphs give equal bytes. The file appears complete or not at all.
  /// - Parameters:
  ///   - graph: a network without fake quantizers.
  ///   - path: where to write; an existing file is replaced.
  ///   - metadata: strings for the file's `metadata_props`.
  /// - Throws: `ONNXError` when the graph is not a network, holds what ONNX cannot say, or the file cannot be written.
  public static func write(_ graph: Graph, to path: String, metadata: [String: String] = [:]) throws {
    do throws(ONNXError) {
      try replaceFile(at: path, with: encode(graph, metadata: metadata))
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// The bytes of the file that `write(_:to:metadata:)` writes.
  static func encode(_ graph: Graph, metadata: [String: String] = [:]) throws(ONNXError) -> Data {
    let types: [TensorName: TensorType]
    do throws(GraphError) {
      types = try graph.validated().tensorTypes()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
    var builder = ONNXModelBuilder(graph, opset: ONNXModelBuilder.opset(for: graph))
    for node in graph.nodes {
      for input in node.inputs { if let tensor = graph.tensor(input) { builder.initializer(input, tensor) } }
      try builder.append(node)
    }
    for name in graph.outputs {
      if let tensor = graph.tensor(name) { builder.initializer(name, tensor) }
      if let type = types[name] { builder.output(name, type) }
    }
    return try builder.encoded(metadata: metadata)
  }

  /// Writes a file beside the target, flushes it and renames it, so that nobody ever sees half of it. What a killed process leaves has the name that the next
  /// one writes under, so nothing gathers.
  static func replaceFile(at path: String, with data: Data) throws(ONNXError) {
    let target = URL(fileURLWithPath: path)
    let name = target.lastPathComponent
    let partial = target.deletingLastPathComponent().appendingPathComponent("\(name.hasPrefix(".") ? "" : ".")\(name).partial")
    do {
      try data.write(to: partial)
      let file = try FileHandle(forWritingTo: partial)
      try file.synchronize()
      try file.close()
      guard rename(partial.path, target.path) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw ONNXError(file: path, "the file cannot be written: \((error as NSError).localizedDescription)")
    }
  }
}
