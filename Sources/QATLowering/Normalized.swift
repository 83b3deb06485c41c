import QATGraph
import QATTensor

/// The same network, for inference, in the forms that have integer kernels. Nothing that is computed changes.
///
/// Identity, Dropout and the rounding of biases go; a mean over height and width becomes GlobalAveragePool, GlobalMaxPool a MaxPool; MatMul with a bias becomes Gemm; a quantizer behind Flatten, Reshape
/// or Transpose moves before it, so that bytes are moved.
func normalized(_ graph: Graph) throws(LoweringError) -> Graph {
  var result = graph
  result.dropIdentities()
  let types: [TensorName: TensorType]
  do throws(GraphError) {
    types = try result.tensorTypes()
  } catch {
    throw LoweringError(node: error.node, error.reason)
  }
  result.writeAsPoolings(types)
  result.mergeBiases(types)
  result.moveQuantizersBeforeMovements()
  return result
}

extension Graph {
  fileprivate mutating func dropIdentities() {
    var replacement: [TensorName: TensorName] = [:]
    var kept: [Node] = []
    for var node in nodes {
      node.inputs = node.inputs.map { replacement[$0] ?? $0 }
      // An output keeps its name, and so the node that makes it.
      let isIdentity = (node.op is Identity || node.op is Dropout || node.op is RoundBias) && !outputs.contains(node.outputs[0])
      if isIdentity {
        replacement[node.outputs[0]] = node.inputs[0]
      } else {
        if node.op is Dropout { node.op = Identity() }
        kept.append(node)
      }
    }
    nodes = kept
  }

  fileprivate mutating func writeAsPoolings(_ types: [TensorName: TensorType]) {
    var rewritten: [Node] = []
    for node in nodes {
      if node.op is GlobalMaxPool, let size = types[node.inputs[0]]?.dimensions.dropFirst(2).compactMap(\.fixedSize) {
        rewritten.append(Node(name: node.name, op: MaxPool(window: Window(kernel: size)), inputs: node.inputs, outputs: node.outputs))
        continue
      }
      guard let mean = node.as(ReduceMean.self), types[node.inputs[0]]?.rank == 4, (try? mean.reducedAxes(rank: 4)) == [2, 3] else {
        rewritten.append(node)
        continue
      }
      if mean.keepsDimensions {
        rewritten.append(Node(name: node.name, op: GlobalAveragePool(), inputs: node.inputs, outputs: node.outputs))
      } else {
        let pooled = uniqueName("\(node.outputs[0])_pooled")
        rewritten.append(Node(name: node.name, op: GlobalAveragePool(), inputs: node.inputs, outputs: [pooled]))
        rewritten.append(Node(name: uniqueName("\(node.name)_flatten"), op: Flatten(axis: 1), inputs: [pooled], outputs: node.outputs))
      }
    }
    nodes = rewritten
  }

  /// x · W + b with a matrix x and a constant vector b is Gemm(x, W, b); runtimes give only that form an int32 bias.
  fileprivate mutating func mergeBiases(_ types: [TensorName: TensorType]) {
    let consumers = consumers
    let producers = producers
    var absorbed = Set<Int>()
    for (index, node) in nodes.enumerated() where node.op is Add {
      for (product, bias) in [(0, 1), (1, 0)] {
        guard let producer = producers[node.inputs[product]], nodes[producer].op is MatMul, consumers[node.inputs[product]]?.count == 1,
          !outputs.contains(node.inputs[product]), types[node.inputs[product]]?.rank == 2, let vector = tensor(node.inputs[bias]),
          let channels = types[node.inputs[product]]?.dimensions[1].fixedSize, vector.count == channels, vector.shape.count == 1
        else { continue }
        let product = nodes[producer]
        nodes[index] = Node(name: product.name, op: Gemm(), inputs: product.inputs + [node.inputs[bias]], outputs: node.outputs)
        absorbed.insert(producer)
        break
      }
    }
    nodes = nodes.enumerated().filter { !absorbed.contains($0.offset) }.map(\.element)
  }

  fileprivate mutating func moveQuantizersBeforeMovements() {
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      let producers = producers
      let consumers = consumers
      for (index, node) in nodes.enumerated() {
        guard let quantizer = node.as(FakeQuantize.self), quantizer.channelAxis == nil, let producer = producers[node.inputs[0]],
          nodes[producer].isMovement, consumers[node.inputs[0]]?.count == 1, !outputs.contains(node.inputs[0])
        else { continue }
        // x → move → t → quantize → y becomes x → quantize → t → move → y.
        let movement = nodes[producer]
        nodes[producer] = Node(name: node.name, op: quantizer, inputs: [movement.inputs[0]] + node.inputs.dropFirst(), outputs: movement.outputs)
        nodes[index] = Node(name: movement.name, op: movement.op, inputs: movement.outputs, outputs: node.outputs)
        hasMoved = true
        break
      }
    }
  }
}

extension Node {
  /// Whether the node only reorders elements.
  var isMovement: Bool { op is Flatten || op is Reshape || op is Transpose }
}
