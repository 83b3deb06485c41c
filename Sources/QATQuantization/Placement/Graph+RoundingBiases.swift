import QATGraph

extension Graph {
  /// The network with a `RoundBias` between each bias that is constant and its layer, where input and weight are quantized so that the layer becomes integers:
  /// training sees the bias that runtimes add.
  ///
  /// A node and its output are called `<layer>|BIAS`. A layer with a batch norm behind it keeps its bias: it is not the one that files hold.
  func roundingBiases() throws(GraphError) -> Graph {
    let (types, consumers, producers) = (try tensorTypes(), consumers, producers)
    let quantizers = sharedQuantizers
    var names = UniqueNames(self)
    var result = self
    var before: [Int: Node] = [:]
    for (index, node) in nodes.enumerated() where node.isProduct {
      guard normalization(behind: node, types, consumers) == nil, let weightNode = producers[node.inputs[1]].map({ nodes[$0] }),
        let weight = weightNode.as(FakeQuantize.self), weight.mode != .asymmetric, weight.levelHigh <= 127, constants[weightNode.inputs[0]] != nil,
        let inputNode = quantizers[node.inputs[0]].map({ nodes[$0] }), let input = inputNode.as(FakeQuantize.self),
        let place = biasPlace(of: node, at: index, types, consumers), let rank = types[node.inputs[1]]?.rank,
        weight.channelAxis.map({ ($0 + rank) % rank == node.weightChannelAxis(rank: rank) }) ?? true
      else { continue }
      let name = names.next("\(node.name)|BIAS")
      before[place.reader] = Node(
        name: name, op: RoundBias(input: input, weight: weight), inputs: [place.bias] + inputNode.inputs.dropFirst() + [weightNode.inputs[1]],
        outputs: [name])
      result.nodes[place.reader].inputs[place.port] = name
    }
    result.nodes = result.nodes.enumerated().flatMap { index, node in [before[index], node].compactMap { $0 } }
    return result
  }

  /// Where a layer's bias is read: by itself, or by the addition that alone reads a matrix product; nil without a constant one of its output channels.
  private func biasPlace(
    of node: Node, at index: Int, _ types: [TensorName: TensorType], _ consumers: [TensorName: [Use]]
  ) -> (bias: TensorName, reader: Int, port: Int)? {
    var (reader, port) = (index, 2)
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

  /// For each tensor whose values lie on one grid in all: the quantizer whose it is. Operators in between only move values, or join tensors of one grid.
  private var sharedQuantizers: [TensorName: Int] {
    var result: [TensorName: Int] = [:]
    for (index, node) in nodes.enumerated() {
      switch node.op {
      case let quantizer as FakeQuantize: if quantizer.channelAxis == nil { result[node.outputs[0]] = index }
      case is MaxPool, is GlobalMaxPool, is Flatten, is Reshape, is Transpose, is Identity, is Dropout, is Slice, is Gather, is Relu:
        result[node.outputs[0]] = result[node.inputs[0]]
      // Interpolated values lie between codes; of what is added at the edges, zero has one.
      case let resize as Resize: if case .nearest = resize.interpolation { result[node.outputs[0]] = result[node.inputs[0]] }
      case let pad as Pad:
        if case .constant(let value) = pad.mode, value != 0 { break }
        result[node.outputs[0]] = result[node.inputs[0]]
      case is Concat:
        let joined = node.inputs.map { result[$0].map { nodes[$0] } }
        let isOneGrid = joined.allSatisfy { $0?.op is FakeQuantize && $0?.inputs.dropFirst() == joined[0]?.inputs.dropFirst() }
        if isOneGrid, joined.allSatisfy({ $0?.as(FakeQuantize.self) == joined[0]?.as(FakeQuantize.self) }) {
          result[node.outputs[0]] = result[node.inputs[0]]
        }
      default: break
      }
    }
    return result
  }
}
