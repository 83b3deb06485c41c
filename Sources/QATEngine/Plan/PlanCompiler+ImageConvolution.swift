import CVectorKernels
import QATGraph

/// Gradients of convolutions of images, whose few channels leave oneDNN's vectors almost empty or need matrix products with passes around them. Which of them
/// are ours, a layer's shape says alone.
extension PlanCompiler {
  /// The convolution as these kernels see it, where they can compute a gradient between tensors of these layouts; else nil.
  private func imageConvolution(_ shapes: ConvolutionShapes, source: Layout, destination: Layout) -> qat_image_convolution? {
    let (x, y, w) = (shapes.source, shapes.destination, shapes.window)
    guard x.count == 4, shapes.groupedWeights.count == 4, x[1] <= Int(qat_image_channels), y[1].isMultiple(of: 16), w.dilations == [0, 0],
      w.kernel[0] == w.kernel[1], w.kernel[0] <= Int64(qat_image_kernel), w.strides[0] == w.strides[1],
      (w.padsBegin + w.padsEnd).allSatisfy({ $0 < w.kernel[0] }), w.padsBegin.allSatisfy({ $0 >= 0 })
    else { return nil }
    let block = destination.channelBlock
    guard source.isPlain, [8, 16].contains(block), DNNLContext.multipliesAndAdds, qat_multiplies_and_adds() != 0 else { return nil }
    return qat_image_convolution(
      batch: x[0], block: block, in_channels: x[1], in_height: x[2], in_width: x[3], out_channels: y[1], out_height: y[2], out_width: y[3],
      kernel: Int(w.kernel[0]), stride: Int(w.strides[0]), pad_top: Int(w.padsBegin[0]), pad_left: Int(w.padsBegin[1]))
  }

  /// Contributes the gradient of the image, where that is faster than a matrix product: from 128 products a position on. False if it is not.
  func imageDataGradient(_ shapes: ConvolutionShapes, _ node: Node, weights: PlanValue, dy: PlanValue, layout: Layout) throws -> Bool {
    guard let convolution = imageConvolution(shapes, source: layout, destination: dy.layout) else { return false }
    let products = convolution.kernel * convolution.kernel * convolution.in_channels * convolution.out_channels
    guard products >= 128 * convolution.stride * convolution.stride else { return false }
    let dx = allocate(layout)
    let scratch = allocate(bytes: 4 * qat_image_backward_data_scratch(convolution))
    append(
      KernelStep("Conv backward data \(node.name)", reads: [dy.buffer, weights.buffer], writes: [dx.buffer, scratch]) {
        qat_image_backward_data(convolution, dy.buffer.floats, weights.buffer.floats, dx.buffer.floats, scratch.floats)
      })
    try contribute(dx, to: node.inputs[0])
    return true
  }

  /// Contributes the gradients of the weight and of the bias, where that is faster: of one or two channels, or windows larger than 3 × 3. False if it is not.
  func imageWeightGradient(_ shapes: ConvolutionShapes, _ node: Node, bias: TensorName?, layout: Layout, dy: PlanValue) throws -> Bool {
    guard let convolution = imageConvolution(shapes, source: layout, destination: dy.layout) else { return false }
    guard convolution.in_channels < 3 || convolution.kernel > 3 else { return false }
    if let bias { try channelSums(dy, to: bias, of: node) }
    guard wantsGradient(node.inputs[1]) else { return true }
    let x = try value(node.inputs[0], in: layout)
    let dw = gradientDestination(node.inputs[1], try .plain(shape(node.inputs[1])))
    let scratch = allocate(bytes: 4 * qat_image_backward_weights_scratch(convolution))
    append(
      KernelStep("Conv backward weights \(node.name)", reads: [x.buffer, dy.buffer], writes: [dw.buffer, scratch]) {
        qat_image_backward_weights(convolution, x.buffer.floats, dy.buffer.floats, dw.buffer.floats, scratch.floats)
      })
    try contribute(dw, to: node.inputs[1])
    return true
  }
}
