import QATGraph

/// Removes transpositions that undo each other. Converters from NHWC leave them around formulas that work on single elements.
extension Graph {
  /// Where a transposition reads single-element arithmetic on tensors that were all transposed the other way, the arithmetic takes the tensors as they were.
  package mutating func cancelTranspositions() {
    let (producers, consumers) = (producers, consumers)
    var removed = Set<Int>()
    var renamed: [TensorName: TensorName] = [:]
    for (index, node) in nodes.enumerated() {
      guard let transposition = node.as(Transpose.self),
        let formula = formula(behind: node, transposition, producers, consumers, removed)
      else { continue }
      let output = node.outputs[0]
      if let last = formula.nodes.first {
        for inner in formula.nodes { nodes[inner].inputs = nodes[inner].inputs.map { formula.sources[$0] ?? $0 } }
        nodes[last].outputs = [output]
        removed.insert(index)
      } else if let source = formula.sources[node.inputs[0]] {
        if outputs.contains(output) {
          nodes[index] = Node(name: node.name, op: Identity(), inputs: [source], outputs: [output])
        } else {
          renamed[output] = renamed[source] ?? source
          removed.insert(index)
        }
      }
    }
    guard !removed.isEmpty || !renamed.isEmpty else { return }
    nodes = nodes.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
    for index in nodes.indices { nodes[index].inputs = nodes[index].inputs.map { renamed[$0] ?? $0 } }
  }

  /// The nodes between a transposition and those that it undoes, the last one first, and what those read by what they make; nil when it undoes none.
  ///
  /// Every node inside has one reader, so that each is looked at for one transposition only.
  private func formula(
    behind node: Node, _ transposition: Transpose, _ producers: [TensorName: Int], _ consumers: [TensorName: [Use]], _ removed: Set<Int>
  ) -> (nodes: [Int], sources: [TensorName: TensorName])? {
    var inside: [Int] = []
    var sources: [TensorName: TensorName] = [:]
    var waiting = [node.inputs[0]]
    while let name = waiting.popLast() {
      if let constant = constants[name] {
        guard constant.tensor.count == 1, constant.tensor.shape.count <= transposition.permutation.count else { return nil }
        continue
      }
      guard let index = producers[name], !removed.contains(index) else { return nil }
      let producer = nodes[index]
      if let other = producer.as(Transpose.self), other.permutation.count == transposition.permutation.count {
        guard transposition.permutation.enumerated().allSatisfy({ other.permutation[$0.element] == $0.offset }) else { return nil }
        sources[name] = producer.inputs[0]
      } else {
        guard producer.op is any ElementwiseOperator || producer.op is any BroadcastingOperator, consumers[name]?.count == 1, !outputs.contains(name)
        else { return nil }
        inside.append(index)
        waiting += producer.inputs
      }
    }
    return sources.isEmpty ? nil : (inside, sources)
  }
}
