import QATEngine
import QATGraph
import QATTensor

extension Graph {
  /// The network with a quantizer on every weight, and on every tensor that a convolution, linear layer, addition or pooling reads; per channel before
  /// depthwise convolutions. Upper bounds are the largest magnitudes on `images`, or 6 without images.
  func withQuantizersEverywhere(images: NDArray<Float>? = nil) throws -> Graph {
    let types = try tensorTypes()
    let consumers = consumers
    var values: [TensorName: NDArray<Float>] = [:]
    if let images {
      var executor = try ReferenceExecutor<Float>(self, batchSize: images.shape[0])
      values = try executor.forward([inputs[0].name: images], mode: .evaluation)
    }
    func readsIntegers(_ use: Use) -> Bool {
      let op = nodes[use.node].op
      return op is Convolution || op is Gemm || op is Add || op is GlobalAveragePool || op is MaxPool || op is Flatten
    }
    var result = self
    result.nodes = []
    var renamed: [TensorName: TensorName] = [:]

    func quantize(_ tensor: TensorName, isWeight: Bool) {
      guard let type = types[tensor], type.rank > 1 else { return }
      let uses = consumers[tensor] ?? []
      let channels = type.dimensions[isWeight ? 0 : 1].fixedSize ?? 1
      let isDepthwise = uses.allSatisfy { nodes[$0.node].as(Convolution.self)?.groups == channels } && channels > 1
      let axis: Int? = isWeight ? 0 : isDepthwise ? 1 : nil
      let elements = isWeight ? self.tensor(tensor)?.floats ?? [] : values[tensor]?.elements ?? []
      let shape = type.shape(batchSize: images?.shape[0] ?? 1)
      let inner = axis.map { Array(shape[($0 + 1)...]).elementCount } ?? 1
      var bounds = [Float](repeating: elements.isEmpty ? 6 : 0.01, count: axis == nil ? 1 : channels)
      for (index, value) in elements.enumerated() {
        let channel = axis == nil ? 0 : index / inner % channels
        bounds[channel] = max(bounds[channel], abs(value))
      }
      let maker = nodes.first { $0.outputs.contains(tensor) }
      let isSigned = isWeight || maker == nil || maker?.op is BatchNormalization || maker?.op is Add
      let id = isWeight ? "\(tensor)|WEIGHT" : "\(tensor)|OUTPUT"
      result.constants["\(id).scale"] = Constant(Tensor(bounds, shape: [bounds.count]), .parameter)
      let op = FakeQuantize(mode: .symmetric(signed: isSigned), halfRange: isWeight, channelAxis: axis)
      result.nodes.append(Node(name: id, op: op, inputs: [tensor, "\(id).scale"], outputs: [id]))
      renamed[tensor] = id
    }

    for input in inputs { quantize(input.name, isWeight: false) }
    for node in nodes {
      if node.op is Convolution || node.op is Gemm { quantize(node.inputs[1], isWeight: true) }
      var copy = node
      copy.inputs = node.inputs.map { renamed[$0] ?? $0 }
      result.nodes.append(copy)
      // A tensor that was only moved or selected is on its grid already.
      let isMoved = node.op is Flatten || node.op is MaxPool
      if !isMoved, (consumers[node.outputs[0]] ?? []).contains(where: readsIntegers) { quantize(node.outputs[0], isWeight: false) }
    }
    return result
  }
}
