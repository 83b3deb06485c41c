import QATGraph
import QATTensor

extension QuantizerSetup {
  /// Names of the operators whose weights have steps that are powers of two.
  var powerOfTwoLayers: Set<String> { Set(weightPoints.filter(\.specification.hasPowerOfTwoStep).flatMap(\.quantizedOperators)) }
}

extension Graph {
  /// The network for inference whose batch norms directly behind `layers` are in the weights and biases of these: computed in double precision, rounded once.
  ///
  /// A layer keeps the names of its weight and bias; a new bias is called after the weight. Layers whose weight or bias is no constant of their channels stay.
  /// - Parameter layers: names of convolutions and linear layers.
  /// - Returns: the network; the same one when there is nothing to fold.
  func foldingNormalizations(behind layers: Set<String>) -> Graph {
    guard !layers.isEmpty, let types = try? tensorTypes() else { return self }
    let consumers = consumers
    var names = UniqueNames(self)
    var result = self
    var folded = Set<String>()
    for (index, node) in nodes.enumerated() where node.isProduct && layers.contains(node.name) {
      guard let norm = normalization(behind: node, types, consumers), let layer = FoldedLayer(node, norm, in: self) else { continue }
      func name(_ own: TensorName?, _ new: TensorName) -> TensorName {
        guard let own, constants[own] != nil else { return names.next(new) }
        return consumers[own]?.count == 1 && !outputs.contains(own) ? own : names.next(own)
      }
      let weight = name(node.inputs[1], node.inputs[1])
      let hasBias = node.inputs.count > 2 && !node.inputs[2].isEmpty
      let bias = name(hasBias ? node.inputs[2] : nil, node.biasName(besideWeight: node.inputs[1]))
      let role = constants[node.inputs[1]]?.role ?? .parameter
      result.constants[weight] = Constant(layer.weight, role)
      result.constants[bias] = Constant(layer.bias, role)
      result.nodes[index] = Node(name: node.name, op: layer.op, inputs: [node.inputs[0], weight, bias], outputs: norm.node.outputs)
      folded.insert(norm.node.name)
    }
    result.nodes.removeAll { folded.contains($0.name) && $0.op is BatchNormalization }
    let read = Set(result.nodes.flatMap(\.inputs) + result.outputs)
    for name in constants.keys where !read.contains(name) { result.constants[name] = nil }
    return result
  }
}

/// A layer with the batch norm behind it.
private struct FoldedLayer {
  var op: any Operator
  var weight: Tensor
  var bias: Tensor

  /// Nil where the weight's output channels are not those of the batch norm.
  init?(_ node: Node, _ norm: FoldableNormalization, in graph: Graph) {
    guard node.as(ConvolutionTranspose.self)?.groups ?? 1 == 1, let tensor = graph.tensor(node.inputs[1]), let values = tensor.floats else {
      return nil
    }
    let axis = node.weightChannelAxis(rank: tensor.shape.count)
    let channels = norm.factors.count
    guard tensor.shape.count >= 2, tensor.shape[axis] == channels, !(node.op is MatMul) || tensor.shape.count == 2 else { return nil }
    var own: [Double]?
    let gemm = node.as(Gemm.self)
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      guard let bias = graph.tensor(node.inputs[2]), let values = bias.floats,
        values.count == 1 || values.count == channels && bias.shape.last == channels
      else { return nil }
      own = (0..<channels).map { Double(values[$0 % values.count]) * Double(gemm?.beta ?? 1) }
    }
    let inner = tensor.shape[(axis + 1)...].reduce(1, *)
    let alpha = Double(gemm?.alpha ?? 1)
    weight = Tensor(
      values.enumerated().map { Float(Double($1) * alpha * norm.factors[$0 / inner % channels]) }, shape: tensor.shape)
    bias = Tensor(norm.bias(behind: own).map { Float($0) }, shape: [channels])
    op = node.op is MatMul ? Gemm() : gemm.map { Gemm(transposesA: $0.transposesA, transposesB: $0.transposesB) } ?? node.op
  }
}
