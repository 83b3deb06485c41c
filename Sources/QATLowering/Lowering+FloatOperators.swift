import QATGraph

/// Which operators stay in floating point, and why.
extension Lowering {
  /// The operators of the lowered network that have no integers to compute with.
  func floatOperators(in graph: Graph) -> [LoweredGraph.FloatOperator] {
    let consumers = graph.consumers
    let integerNames = Set(layers.map(\.name))
    return graph.nodes.compactMap { node in
      reason(for: node, in: graph, consumers, isLayer: integerNames.contains(node.name)).map {
        LoweredGraph.FloatOperator(name: node.name, type: node.type, reason: $0)
      }
    }
  }

  private func reason(for node: Node, in graph: Graph, _ consumers: [TensorName: [Graph.Use]], isLayer: Bool) -> String? {
    switch node.op {
    case is FakeQuantize, is Relu, is Clip, is Identity, is Dropout: return nil
    // What only moves numbers, and what answers questions about them.
    case is Flatten, is Reshape, is Transpose, is Slice, is Pad, is Expand, is Tile, is Trilu, is DepthToSpace, is SpaceToDepth, is Gather,
      is GatherElements:
      return nil
    case is any ComparisonOperator, is Not, is Cast: return nil
    case is Convolution where isLayer:
      // Linear layers have integer kernels with float results, convolutions do not.
      return feedsQuantizer(node.outputs[0], graph, consumers)
        ? nil : "its output is not quantized: OpenVINO multiplies integers here, ONNX Runtime floats"
    case is Gemm where isLayer, is MatMul where isLayer: return nil
    case is ConvolutionTranspose where isLayer: return "ONNX Runtime has no integer kernel for it, OpenVINO multiplies integers"
    case _ where node.isProduct: return floatReasons[node.name]
    case is BatchNormalization: return "no layer with a quantized weight stands before it alone"
    case is ReduceMean: return "runtimes have no integer kernel for means over other axes than height and width"
    // Softmax and the activations among these have integer kernels in ONNX Runtime alone.
    case is Add, is Mul, is Concat, is MaxPool, is AveragePool, is GlobalAveragePool, is Sigmoid, is LeakyRelu, is Softmax: break
    default: return activations[node.outputs[0]] == nil ? "runtimes have no integer kernel for it" : nil
    }
    if activations[node.outputs[0]] != nil { return nil }
    if let input = node.inputs.first(where: { activations[$0] == nil }) {
      return graph.constants[input] == nil ? "its input '\(input)' is not quantized" : "its operand '\(input)' is a constant in floating point"
    }
    return feedsQuantizer(node.outputs[0], graph, consumers) ? nil : "its output is not quantized"
  }

  /// Whether every reader of the tensor quantizes it, behind an activation function that a runtime merges into the quantizer.
  private func feedsQuantizer(_ tensor: TensorName, _ graph: Graph, _ consumers: [TensorName: [Graph.Use]]) -> Bool {
    guard let uses = consumers[tensor], !uses.isEmpty, !graph.outputs.contains(tensor) else { return false }
    if uses.count == 1, graph.nodes[uses[0].node].op is Relu || graph.nodes[uses[0].node].op is Clip {
      return feedsQuantizer(graph.nodes[uses[0].node].outputs[0], graph, consumers)
    }
    return uses.allSatisfy { graph.nodes[$0.node].op is FakeQuantize }
  }
}
