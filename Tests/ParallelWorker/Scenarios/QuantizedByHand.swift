import QATGraph
import QATTensor

/// The network with a symmetric fake quantizer on its input, behind every ReLU and on every weight, all with ranges that fit the synthetic data.
func quantizedByHand(_ graph: Graph) -> Graph {
  var result = graph
  result.nodes = []
  var renamed: [TensorName: TensorName] = [:]
  func quantize(_ tensor: TensorName, signed: Bool, channels: Int?, scale: Float) {
    let op = FakeQuantize(mode: .symmetric(signed: signed), channelAxis: channels == nil ? nil : 0)
    result.constants[tensor + ".scale"] = .init(Tensor(repeating: scale, shape: [channels ?? 1]), .parameter)
    result.nodes.append(Node(name: tensor + "|FQ", op: op, inputs: [tensor, tensor + ".scale"], outputs: [tensor + ".quantized"]))
    renamed[tensor] = tensor + ".quantized"
  }
  quantize(graph.inputs[0].name, signed: true, channels: nil, scale: 1)
  for node in graph.nodes {
    if node.op is Convolution || node.op is Gemm, let weight = graph.tensor(node.inputs[1]) {
      quantize(node.inputs[1], signed: true, channels: weight.shape[0], scale: 0.5)
    }
    var copy = node
    copy.inputs = node.inputs.map { renamed[$0] ?? $0 }
    result.nodes.append(copy)
    if node.op is Relu { quantize(node.outputs[0], signed: false, channels: nil, scale: 2) }
  }
  return result
}
