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
      returnConstant(output)
      guard types[output] != nil, graph.constants[output] == nil else {
        throw ONNXError(tensor: output, "the file returns this tensor, but no node computes it from the inputs")
      }
      if !graph.outputs.contains(output) { assembly.graph.outputs.append(output) }
    }
    assembly.graph.cancelTranspositions()
    let types = try tensorTypes()
    assembly.graph.foldChannelFactors(types)
    assembly.graph.recogniseActivations(types)
    assembly.graph.recogniseLayerNormalizations(types)
    assembly.graph.recogniseRootMeanSquares(types)
    assembly.graph.dropZeroBiases()
    assembly.graph.removeUnneeded()
    do throws(GraphError) {
      return try graph.validated()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
  }

  private func tensorTypes() throws(ONNXError) -> [TensorName: TensorType] {
    do throws(GraphError) {
      return try graph.tensorTypes()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
  }

  /// A network may return what is known without running it, such as a shape: an Identity makes it an output.
  private mutating func returnConstant(_ output: TensorName) {
    guard let tensor = knownValue(output), tensor.count > 0 else { return }
    let constant = add(tensor, named: uniqueName("\(output)/constant"), .fixed)
    // The name is free: the file's only node that makes it is known and left no node here.
    try? assembly.append(Node(name: uniqueName("\(output)/output"), op: Identity(), inputs: [constant], outputs: [output]))
  }
}
