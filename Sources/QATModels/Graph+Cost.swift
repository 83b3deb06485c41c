import QATGraph
import QATTensor

extension Graph {
  /// Elements of all trained parameters, without running statistics: what PyTorch's `sum(p.numel() for p in model.parameters())` counts.
  public var parameterCount: Int { constants.values.reduce(0) { $0 + ($1.role == .parameter ? $1.tensor.count : 0) } }

  /// Multiply-adds of all convolutions and matrix products for one sample.
  /// - Throws: `GraphError` when a shape does not fit.
  public func multiplyAdds() throws(GraphError) -> Int {
    let types = try tensorTypes()
    return nodes.reduce(0) { $0 + Self.multiplyAdds(of: $1, types) }
  }

  private static func multiplyAdds(of node: Node, _ types: [TensorName: TensorType]) -> Int {
    func shape(_ name: TensorName) -> [Int] { types[name]?.shape(batchSize: 1) ?? [] }
    switch node.op {
    case is Convolution: return shape(node.outputs[0]).elementCount * shape(node.inputs[1])[1...].reduce(1, *)
    case let gemm as Gemm: return shape(node.outputs[0]).elementCount * shape(node.inputs[0])[gemm.transposesA ? 0 : 1]
    case is MatMul: return shape(node.outputs[0]).elementCount * (shape(node.inputs[0]).last ?? 0)
    default: return 0
    }
  }
}
