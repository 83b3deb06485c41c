import QATGraph
import QATTensor

/// What a graph that was read can do without.
extension Graph {
  /// Removes nodes whose results reach no output, and constants nobody reads.
  package mutating func removeUnneeded() {
    var needed = Set(outputs)
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
    }
    nodes = kept.reversed()
    constants = constants.filter { needed.contains($0.key) }
  }

  /// Removes biases of zeros before batch normalisation, which exporters add to convolutions that have none: training would move them to no effect.
  package mutating func dropZeroBiases() {
    let consumers = consumers
    for (index, node) in nodes.enumerated() where node.op is Convolution && node.inputs.count == 3 {
      let uses = consumers[node.outputs[0], default: []]
      guard !uses.isEmpty, uses.allSatisfy({ nodes[$0.node].op is BatchNormalization && $0.port == 0 }),
        !outputs.contains(node.outputs[0]), let bias = tensor(node.inputs[2])?.floats, bias.allSatisfy({ $0 == 0 })
      else { continue }
      nodes[index].inputs.removeLast()
    }
  }
}
