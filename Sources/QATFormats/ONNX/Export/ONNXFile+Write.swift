import Foundation
import QATFiles
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

  /// Writes a file that appears complete or not at all.
  static func replaceFile(at path: String, with data: Data) throws(ONNXError) {
    do throws(FileError) {
      try replaceFiles([(path, data)])
    } catch {
      throw ONNXError(file: path, error.reason)
    }
  }
}
