import QATGraph
import QATImporting

/// What remains when all nodes are imported: outputs, and leaving out what nobody needs.
extension ONNXImporter {
  /// The finished network.
  /// - Parameter outputs: names of the file's outputs.
  /// - Returns: a validated graph.
  /// - Throws: `ONNXError` when an output does not exist or is not computed.
  consuming func finished(outputs: [String]) throws(ONNXError) -> Graph {
    for output in outputs {
      guard types[output] != nil, graph.constants[output] == nil else {
        throw ONNXError(tensor: output, "the file returns this tensor, but no node computes it from the inputs")
      }
      if !graph.outputs.contains(output) { assembly.graph.outputs.append(output) }
    }
    assembly.graph.recogniseActivations()
    assembly.graph.recogniseLayerNormalizations(types)
    assembly.graph.dropZeroBiases()
    assembly.graph.removeUnneeded()
    do throws(GraphError) {
      return try graph.validated()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
  }
}
