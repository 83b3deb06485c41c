import QATTensor

extension Graph {
  /// Elements of all trained parameters, without running statistics: what PyTorch's `sum(p.numel() for p in model.parameters())` counts.
  public var parameterCount: Int { constants.values.reduce(0) { $0 + ($1.role == .parameter ? $1.tensor.count : 0) } }

  /// Multiply-adds of all convolutions and matrix products for one sample.
  /// - Throws: `GraphError` when a shape does not fit.
  public func multiplyAdds() throws(GraphError) -> Int {
    let types = try tensorTypes()
    return nodes.reduce(0) { $0 + $1.multiplyAdds(types) }
  }
}

extension Node {
  /// Multiply-adds of a convolution or matrix product for one sample; 0 for every other operator.
  /// - Parameter types: of the graph's tensors.
  /// - Returns: the number.
  public func multiplyAdds(_ types: [TensorName: TensorType]) -> Int {
    func shape(_ name: TensorName) -> [Int] { types[name]?.shape(batchSize: 1) ?? [] }
    switch op {
    case is Convolution: return shape(outputs[0]).elementCount * shape(inputs[1])[1...].reduce(1, *)
    case let gemm as Gemm: return shape(outputs[0]).elementCount * shape(inputs[0])[gemm.transposesA ? 0 : 1]
    case is MatMul: return shape(outputs[0]).elementCount * (shape(inputs[0]).last ?? 0)
    default: return 0
    }
  }
}
