import QATTensor

/// A batch norm behind a layer with constant parameters and statistics: y = (x − mean) · factor + shift, factor = gamma / √(variance + epsilon).
public struct FoldableNormalization: Sendable {
  /// The batch norm.
  public var node: Node
  /// One a channel.
  public var factors: [Double]
  /// One a channel.
  public var means: [Double]
  /// One a channel.
  public var shifts: [Double]

  /// The bias of layer and batch norm together.
  /// - Parameter bias: the layer's own, one a channel; nil for none.
  /// - Returns: one value a channel.
  public func bias(behind bias: [Double]?) -> [Double] {
    factors.indices.map { channel in ((bias?[channel] ?? 0) - means[channel]) * factors[channel] + shifts[channel] }
  }
}

extension Graph {
  /// The batch norm that alone reads what `node`, a convolution or linear layer, makes; nil when there is none.
  public func normalization(behind node: Node, _ types: [TensorName: TensorType], _ consumers: [TensorName: [Use]]) -> FoldableNormalization? {
    let tensor = node.outputs[0]
    // Only where axis 1, which batch norm takes for the channels, is that of the output channels.
    guard let uses = consumers[tensor], uses.count == 1, !outputs.contains(tensor), uses[0].port == 0,
      !(node.op is Gemm || node.op is MatMul) || types[tensor]?.rank == 2, let norm = nodes[uses[0].node].as(BatchNormalization.self)
    else { return nil }
    let values = nodes[uses[0].node].inputs.dropFirst().compactMap { self.tensor($0)?.floats?.map(Double.init) }
    guard values.count == 4 else { return nil }
    let factors = zip(values[0], values[3]).map { gamma, variance in gamma / (variance + Double(norm.epsilon)).squareRoot() }
    return FoldableNormalization(node: nodes[uses[0].node], factors: factors, means: values[2], shifts: values[1])
  }
}

extension Node {
  /// Whether the node multiplies matrices: a convolution or a linear layer.
  public var isProduct: Bool { op is Convolution || op is ConvolutionTranspose || op is Gemm || op is MatMul }

  /// The axis of the output channels of a product's weight.
  /// - Parameter rank: the weight's.
  /// - Returns: the axis, counted from the front.
  public func weightChannelAxis(rank: Int) -> Int {
    switch op {
    case is Convolution: 0
    case is ConvolutionTranspose: 1
    case let gemm as Gemm where gemm.transposesB: 0
    default: rank - 1
    }
  }

  /// What a product's bias is called when it gets one: after its weight as modules name them, else after the node.
  public func biasName(besideWeight weight: TensorName) -> TensorName {
    "\(weight.hasSuffix(".weight") ? String(weight.dropLast(7)) : name).bias"
  }
}
