import QATGraph

extension Graph {
  /// The network with a `RoundBias` between each bias that is constant and its layer, where input and weight are quantized with steps that are powers of two:
  /// training sees the bias that runtimes add.
  ///
  /// A node and its output are called `<layer>|BIAS`. A layer with a batch norm behind it keeps its bias: it is not the one that files hold.
  func roundingBiases() throws(GraphError) -> Graph {
    let (types, consumers, producers) = (try tensorTypes(), consumers, producers)
    var result = self
    var before: [Int: Node] = [:]
    for node in nodes where node.isProduct {
      guard normalization(behind: node, types, consumers) == nil, let weightNode = producers[node.inputs[1]].map({ nodes[$0] }),
        let weight = weightNode.as(FakeQuantize.self), weight.hasPowerOfTwoStep, constants[weightNode.inputs[0]] != nil,
        let inputNode = quantizer(behind: node.inputs[0], producers), let input = inputNode.as(FakeQuantize.self), input.hasPowerOfTwoStep,
        let place = biasPlace(of: node, types, consumers), let channels = types[place.bias]?.dimensions, channels.count == 1,
        weight.channelAxis == nil || types[weightNode.inputs[1]]?.dimensions == channels
      else { continue }
      let name = result.uniqueName("\(node.name)|BIAS")
      before[place.reader] = Node(
        name: name, op: RoundBias(input: input, weight: weight), inputs: [place.bias] + inputNode.inputs.dropFirst() + [weightNode.inputs[1]],
        outputs: [name])
      result.nodes[place.reader].inputs[place.port] = name
    }
    result.nodes = result.nodes.enumerated().flatMap { index, node in [before[index], node].compactMap { $0 } }
    return result
  }

  /// Where a layer's bias is read: by itself, or by the addition that alone reads a matrix product; nil without a constant one.
  private func biasPlace(
    of node: Node, _ types: [TensorName: TensorType], _ consumers: [TensorName: [Use]]
  ) -> (bias: TensorName, reader: Int, port: Int)? {
    var (reader, port) = (nodes.firstIndex { $0.name == node.name } ?? 0, 2)
    switch node.op {
    case let gemm as Gemm where gemm.alpha != 1 || gemm.beta != 1 || gemm.transposesA: return nil
    case let transposed as ConvolutionTranspose where transposed.groups > 1: return nil
    case is MatMul:
      guard types[node.outputs[0]]?.rank == 2, let uses = consumers[node.outputs[0]], uses.count == 1, !outputs.contains(node.outputs[0]),
        nodes[uses[0].node].op is Add
      else { return nil }
      (reader, port) = (uses[0].node, 1 - uses[0].port)
    default: break
    }
    guard nodes[reader].inputs.indices.contains(port) else { return nil }
    let bias = nodes[reader].inputs[port]
    guard constants[bias] != nil, let channels = types[bias]?.dimensions, let layer = types[node.outputs[0]]?.dimensions,
      channels == [layer[node.op is Convolution || node.op is ConvolutionTranspose ? 1 : layer.count - 1]]
    else { return nil }
    return (bias, reader, port)
  }

  /// The quantizer on whose grid a tensor's values lie: operators in between only move values, or join tensors of one grid.
  private func quantizer(behind tensor: TensorName, _ producers: [TensorName: Int]) -> Node? {
    var tensor = tensor
    while let node = producers[tensor].map({ nodes[$0] }) {
      switch node.op {
      case let quantizer as FakeQuantize: return quantizer.channelAxis == nil ? node : nil
      case is MaxPool, is GlobalMaxPool, is Flatten, is Reshape, is Transpose, is Identity, is Dropout, is Slice, is Gather, is Relu, is Pad,
        is Resize:
        tensor = node.inputs[0]
      case is Concat:
        let quantizers = node.inputs.map { quantizer(behind: $0, producers) }
        guard let first = quantizers[0] else { return nil }
        let isOneGrid = quantizers.allSatisfy {
          $0?.inputs.dropFirst() == first.inputs.dropFirst() && $0?.as(FakeQuantize.self) == first.as(FakeQuantize.self)
        }
        return isOneGrid ? first : nil
      default: return nil
      }
    }
    return nil
  }
}
