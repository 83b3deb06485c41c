import QATGraph
import QATTensor

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
      if !graph.outputs.contains(output) { graph.outputs.append(output) }
    }
    recogniseActivations()
    recogniseLayerNormalizations()
    dropZeroBiases()
    removeUnneeded()
    do throws(GraphError) {
      return try graph.validated()
    } catch {
      throw ONNXError(node: error.node, error.reason)
    }
  }

  /// Removes nodes whose results reach no output, and constants nobody reads.
  private mutating func removeUnneeded() {
    var needed = Set(graph.outputs)
    var kept: [Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
    }
    graph.nodes = kept.reversed()
    graph.constants = graph.constants.filter { needed.contains($0.key) }
  }

  /// Removes biases of zeros before batch normalisation, which exporters add to convolutions that have none: training would move them to no effect.
  private mutating func dropZeroBiases() {
    let consumers = graph.consumers
    for (index, node) in graph.nodes.enumerated() where node.op is Convolution && node.inputs.count == 3 {
      let uses = consumers[node.outputs[0], default: []]
      guard !uses.isEmpty, uses.allSatisfy({ graph.nodes[$0.node].op is BatchNormalization && $0.port == 0 }),
        !graph.outputs.contains(node.outputs[0]), let bias = graph.tensor(node.inputs[2])?.floats, bias.allSatisfy({ $0 == 0 })
      else { continue }
      graph.nodes[index].inputs.removeLast()
    }
  }
}
