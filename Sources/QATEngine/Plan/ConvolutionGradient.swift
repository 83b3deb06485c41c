import CVectorKernels
import QATGraph

/// A gradient of a convolution, towards its input or its weight, by a kernel of ours.
struct ConvolutionGradient {
  /// The layout of the convolution's input, or of the gradient towards it.
  let source: Layout
  /// Floats of memory that the kernel works in.
  let scratchCount: Int
  /// Computes it: of two tensors a third, in that memory.
  let compute: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void

  /// By `kernel`, of a convolution that is described as the kernel wants it.
  init<Shape>(
    _ shape: Shape, source: Layout, scratch: (Shape) -> Int,
    _ kernel: @escaping (Shape, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    self.source = source
    scratchCount = scratch(shape)
    compute = { kernel(shape, $0, $1, $2, $3) }
  }
}

extension ConvolutionShapes {
  /// Whether kernels of ours may compute gradients at all: in two dimensions, without groups and dilation, where one instruction multiplies and adds.
  var mayHaveOwnGradients: Bool {
    source.count == 4 && groupedWeights.count == 4 && window.dilations == [0, 0] && DNNLContext.multipliesAndAdds && qat_multiplies_and_adds() != 0
  }
}

extension PlanCompiler {
  /// Contributes the gradient of a convolution's input.
  func dataGradient(_ kernel: ConvolutionGradient, _ node: Node, weights: PlanValue, dy: PlanValue) throws {
    try contributeGradient(of: node.inputs[0], in: kernel.source) { step(kernel, "data", node, dy, weights, $0) }
  }

  /// Contributes the gradients of a convolution's weight and bias.
  func weightGradients(_ kernel: ConvolutionGradient, _ node: Node, _ bias: TensorName?, dy: PlanValue) throws {
    if let bias { try biasGradient(dy, of: bias, node) }
    try contributeGradient(of: node.inputs[1], in: .plain(shape(node.inputs[1]))) { dw in
      // Where the forward pass had codes alone, they become floats here.
      step(kernel, "weights", node, try value(node.inputs[0], in: kernel.source), dy, dw)
    }
  }

  private func step(
    _ kernel: ConvolutionGradient, _ what: String, _ node: Node, _ one: PlanValue, _ other: PlanValue, _ result: PlanValue
  ) -> KernelStep {
    let scratch = allocate(bytes: kernel.scratchCount * MemoryLayout<Float>.size)
    return KernelStep("Conv backward \(what) \(node.name)", reads: [one.buffer, other.buffer], writes: [result.buffer, scratch]) {
      kernel.compute(one.buffer.floats, other.buffer.floats, result.buffer.floats, scratch.floats)
    }
  }

  /// Contributes the gradient of a bias: the sums of `dy` over all but the channels, which have no padding.
  private func biasGradient(_ dy: PlanValue, of bias: TensorName, _ node: Node) throws {
    let view = Self.view(dy.layout, channelAxis: 1)
    try contributeGradient(of: bias, in: .plain(shape(bias))) { sums in
      let partial = allocate(bytes: qat_channel_sums_partial_count(view) * MemoryLayout<Float>.size)
      return KernelStep("Conv backward bias \(node.name)", reads: [dy.buffer], writes: [sums.buffer, partial]) {
        qat_channel_sums(view, dy.buffer.floats, partial.floats, sums.buffer.floats)
      }
    }
  }
}
