import QATGraph
import QATTensor

extension Graph {
  /// The network with everything computed that depends on no input, as readers of files compute it: what they write again is then the same file.
  func withConstantsComputed() -> Graph {
    var result = self
    result.nodes = []
    for node in nodes {
      if let values = result.value(of: node) {
        for (name, value) in zip(node.outputs, values) { result.constants[name] = Constant(value, .fixed) }
      } else {
        result.nodes.append(node)
      }
    }
    return result
  }

  /// What a node makes of constants; nil when it reads anything else, makes what the network returns, or has a size of its own for each batch.
  private func value(of node: Node) -> [Tensor]? {
    guard let op = node.op as? any EvaluableOperator, !(node.op is FakeQuantize), !node.outputs.contains(where: outputs.contains) else { return nil }
    let inputs = node.inputs.map { name in tensor(name) }
    guard !inputs.isEmpty, zip(inputs, node.inputs).allSatisfy({ $0 != nil || $1.isEmpty }) else { return nil }
    return op.evaluate(inputs)
  }
}
