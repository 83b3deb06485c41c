import QATGraph
import QATTensor

/// Recognises the hard swish in files whose opset (below 14) has no operator for it.
extension ONNXImporter {
  /// Replaces x · clip(x/6 + 1/2, 0, 1) and x · clip(x + 3, 0, 6) / 6 by one node, which takes the name and output of the last one.
  mutating func fuseHardSwish() {
    let producers = graph.producers
    let consumers = graph.consumers
    for index in graph.nodes.indices where graph.nodes[index].op is Mul {
      guard let input = hardSwishInput(at: index, producers, consumers) else { continue }
      graph.nodes[index].op = HardSwish()
      graph.nodes[index].inputs = [input]
    }
  }

  /// The x of the pattern that ends at node `index`, or nil.
  private func hardSwishInput(at index: Int, _ producers: [TensorName: Int], _ consumers: [TensorName: [Graph.Use]]) -> TensorName? {
    // Between the nodes of the pattern nobody else may look.
    func producer(_ name: TensorName) -> Node? {
      guard consumers[name]?.count == 1, !graph.outputs.contains(name) else { return nil }
      return producers[name].map { graph.nodes[$0] }
    }
    /// x of clip(x + 3, 0, 6).
    func gate(_ name: TensorName) -> TensorName? {
      guard let clip = producer(name), clip.as(Clip.self) == Clip(lower: 0, upper: 6), let sum = producer(clip.inputs[0]) else { return nil }
      return operand(of: sum, Add.self, beside: 3)
    }
    /// x of clip(x · 1/6 + 1/2, 0, 1).
    func hardSigmoid(_ name: TensorName) -> TensorName? {
      guard let clip = producer(name), clip.as(Clip.self) == Clip(lower: 0, upper: 1), let sum = producer(clip.inputs[0]),
        let scaled = operand(of: sum, Add.self, beside: 0.5), let product = producer(scaled)
      else { return nil }
      return operand(of: product, Mul.self, beside: 1 / 6)
    }
    let node = graph.nodes[index]
    guard node.inputs.count == 2 else { return nil }
    for (x, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      if hardSigmoid(other) == x { return x }
      if let scaled = producer(other), let gated = operand(of: scaled, Mul.self, beside: 1 / 6), gate(gated) == x { return x }
    }
    // (x · gate) · 1/6
    if let name = operand(of: node, Mul.self, beside: 1 / 6), let product = producer(name), product.op is Mul {
      for (x, other) in [(product.inputs[0], product.inputs[1]), (product.inputs[1], product.inputs[0])] where gate(other) == x { return x }
    }
    return nil
  }

  /// The operand of a two-operand node of type `Kind` whose other one is the constant `value`, up to one rounding.
  private func operand<Kind: BroadcastingOperator>(of node: Node, _: Kind.Type, beside value: Float) -> TensorName? {
    guard node.op is Kind, node.inputs.count == 2 else { return nil }
    for (x, constant) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
      if let tensor = graph.tensor(constant), tensor.count == 1, tensor.shape.count < 2, let found = tensor.floats?.first,
        abs(found - value) <= 2 * value.ulp
      {
        return x
      }
    }
    return nil
  }
}
