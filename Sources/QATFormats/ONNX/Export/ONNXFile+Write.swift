import Foundation
import QATFiles
import QATGraph

extension ONNXFile {
  /// Writes a graph as an fp32 ONNX file: the smallest opset from 13 on that has its operators, tensor and node names as in the graph, batch normalisation
  /// kept, what depends on no input computed, the batch a dimension named `batch`. Equal graphs give equal bytes. The file appears complete or not at all. Initializers of more than 2 GB go into a
  /// second file beside it, `.data` behind its name.
  /// - Parameters:
  ///   - graph: a network without fake quantizers.
  ///   - path: where to write; an existing file is replaced.
  ///   - metadata: strings for the file's `metadata_props`.
  /// - Throws: `ONNXError` when the graph is not a network, holds what ONNX cannot say, or the file cannot be written.
  public static func write(_ graph: Graph, to path: String, metadata: [String: String] = [:]) throws {
    do throws(ONNXError) {
      try replaceFile(at: path, with: encode(graph, metadata: metadata, dataName: dataName(beside: path)))
    } catch var error {
      error.file = path
      throw error
    }
  }

  /// The files that `write(_:to:metadata:)` writes.
  static func encode(
    _ graph: Graph, metadata: [String: String] = [:], limit: Int = inlineLimit, dataName: String = ""
  ) throws(ONNXError) -> Contents {
    let types: [TensorName: TensorType]
    do throws(GraphError) {
      types = try graph.validated().tensorTypes()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
    let graph = graph.withConstantsComputed()
    var builder = ONNXModelBuilder(graph, opset: ONNXModelBuilder.opset(for: graph))
    for node in graph.nodes {
      for input in node.inputs { if let tensor = graph.tensor(input) { builder.initializer(input, tensor) } }
      try builder.append(node)
    }
    for name in graph.outputs {
      if let tensor = graph.tensor(name) { builder.initializer(name, tensor) }
      if let type = types[name] { builder.output(name, type) }
    }
    return try builder.encoded(metadata: metadata, limit: limit, dataName: dataName)
  }

  /// Writes files that appear complete or not at all; readers open the model, which comes last.
  static func replaceFile(at path: String, with contents: Contents) throws(ONNXError) {
    let folder = DurableFile.folder(of: path)
    let beside = contents.data.map { [("\(folder)/\(dataName(beside: path))", $0)] } ?? []
    do throws(FileError) {
      try replaceFiles(beside + [(path, contents.model)])
    } catch {
      throw ONNXError(file: path, error.reason)
    }
  }
}
