import QATGraph
import QATTensor

/// What TensorFlow spells with two operators where this project has one.
extension Graph {
  /// Moves zeros that are added around an image into the window of the convolution that alone reads them.
  mutating func mergePads(_ types: [TensorName: TensorType]) {
    let producers = producers
    let consumers = consumers
    for (index, node) in nodes.enumerated() {
      guard var convolution = node.as(Convolution.self), let producer = producers[node.inputs[0]], let pad = nodes[producer].as(Pad.self),
        pad.mode == .constant(0), consumers[node.inputs[0]]?.count == 1, !outputs.contains(node.inputs[0])
      else { continue }
      let rank = convolution.window.kernel.count + 2
      let (begins, ends) = (pad.pads.prefix(rank), pad.pads.suffix(rank))
      guard pad.pads.count == 2 * rank, pad.pads.allSatisfy({ $0 >= 0 }), begins.prefix(2).allSatisfy({ $0 == 0 }),
        ends.prefix(2).allSatisfy({ $0 == 0 })
      else { continue }
      let added = Array(begins.dropFirst(2)) + Array(ends.dropFirst(2))
      convolution.window.pads = zip(convolution.window.pads, added).map(+)
      nodes[index].op = convolution
      nodes[index].inputs[0] = nodes[producer].inputs[0]
    }
  }

  /// Makes a bias that is added to the result of a convolution or a matrix product an input of it. The layer keeps its node's name and makes what the addition made.
  mutating func mergeBiases(_ types: [TensorName: TensorType]) {
    let producers = producers
    let consumers = consumers
    var layers: [(index: Int, producer: Int, bias: TensorName, layer: Node)] = []
    for (index, node) in nodes.enumerated() where node.op is Add {
      for (product, bias) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let producer = producers[product], consumers[product]?.count == 1, !outputs.contains(product), constants[bias]?.role == .parameter,
          let tensor = tensor(bias), let layer = nodes[producer].withBias(bias, of: tensor, types)
        else { continue }
        layers.append((index, producer, bias, layer))
        break
      }
    }
    // A layer that is used twice has one bias, and keeps one.
    var names = UniqueNames(self)
    var vectors: [TensorName: TensorName] = [:]
    for (index, _, bias, layer) in layers {
      guard let constant = constants[bias] else { continue }
      let isOnlyBias = layers.count(where: { $0.bias == bias }) == consumers[bias]?.count
      let name = vectors[bias] ?? (isOnlyBias ? bias : names.next(bias))
      vectors[bias] = name
      constants[name] = Constant(constant.tensor.reshaped([constant.tensor.count]), .parameter)
      var merged = layer
      merged.inputs.append(name)
      merged.outputs = nodes[index].outputs
      nodes[index] = merged
    }
    let absorbed = Set(layers.map(\.producer))
    nodes = nodes.enumerated().filter { !absorbed.contains($0.offset) }.map(\.element)
  }
}

extension Node {
  /// The layer in the form that takes a bias, still without it; nil when it is none, has one already, or the constant does not fit.
  fileprivate func withBias(_ bias: TensorName, of tensor: Tensor, _ types: [TensorName: TensorType]) -> Node? {
    guard let type = types[outputs[0]], inputs.count == 2, tensor.elementType == .float32 else { return nil }
    var layer = self
    switch op {
    case is Convolution, is ConvolutionTranspose:
      let shape = [type.dimensions[1].fixedSize ?? 0] + [Int](repeating: 1, count: type.rank - 2)
      return tensor.shape == shape || tensor.shape == [1] + shape ? layer : nil
    case is MatMul:
      guard type.rank == 2, types[inputs[0]]?.rank == 2, types[inputs[1]]?.rank == 2, tensor.shape == [type.dimensions[1].fixedSize ?? 0] else {
        return nil
      }
      layer.op = Gemm()
      return layer
    default: return nil
    }
  }
}
