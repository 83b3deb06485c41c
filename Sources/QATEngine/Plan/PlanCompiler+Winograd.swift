import CVectorKernels
import QATGraph

/// Gradients of 3 × 3 convolutions of stride 1 by Winograd's minimal filtering: a quarter of the products, rounding errors twice those of direct sums (Lavin
/// and Gray 2015, arXiv:1509.09308). Gradients only: what the network computes forward is what the runtimes compute.
extension PlanCompiler {
  /// The convolution as these kernels see it, where they can and should compute a gradient between tensors of these layouts; else nil.
  func winograd(_ shapes: ConvolutionShapes, source: Layout, destination: Layout) -> qat_winograd? {
    let (x, y, w) = (shapes.source, shapes.destination, shapes.window)
    guard x.count == 4, shapes.groupedWeights.count == 4, w.kernel == [3, 3], w.strides == [1, 1], w.dilations == [0, 0],
      (w.padsBegin + w.padsEnd).allSatisfy({ 0...2 ~= $0 })
    else { return nil }
    let block = source.channelBlock
    guard [8, 16].contains(block), destination.channelBlock == block, x[1].isMultiple(of: 16), y[1].isMultiple(of: 16) else { return nil }
    // Below sixteen tiles of four by four outputs, transforming the weights costs more than the products that are saved.
    guard y[0] * ((y[2] + 3) / 4) * ((y[3] + 3) / 4) >= 16, DNNLContext.multipliesAndAdds, qat_multiplies_and_adds() != 0 else { return nil }
    return qat_winograd(
      batch: x[0], block: block, in_channels: x[1], in_height: x[2], in_width: x[3], out_channels: y[1], out_height: y[2], out_width: y[3],
      pad_top: Int(w.padsBegin[0]), pad_left: Int(w.padsBegin[1]))
  }

  /// Contributes the gradient of a convolution's input.
  func winogradDataGradient(_ convolution: qat_winograd, _ node: Node, weights: PlanValue, dy: PlanValue, layout: Layout) throws {
    let dx = allocate(layout)
    let scratch = allocate(bytes: 4 * qat_winograd_scratch(convolution))
    append(
      KernelStep("Conv backward data \(node.name)", reads: [dy.buffer, weights.buffer], writes: [dx.buffer, scratch]) {
        qat_winograd_backward_data(convolution, dy.buffer.floats, weights.buffer.floats, dx.buffer.floats, scratch.floats)
      })
    try contribute(dx, to: node.inputs[0])
  }

  /// Contributes the gradient of a convolution's weight.
  func winogradWeightGradient(_ convolution: qat_winograd, _ node: Node, x: PlanValue, dy: PlanValue) throws {
    let dw = gradientDestination(node.inputs[1], try .plain(shape(node.inputs[1])))
    let scratch = allocate(bytes: 4 * qat_winograd_scratch(convolution))
    append(
      KernelStep("Conv backward weights \(node.name)", reads: [x.buffer, dy.buffer], writes: [dw.buffer, scratch]) {
        qat_winograd_backward_weights(convolution, x.buffer.floats, dy.buffer.floats, dw.buffer.floats, scratch.floats)
      })
    try contribute(dw, to: node.inputs[1])
  }

  /// Contributes the gradient of a bias: the sums of `dy` over all but the channels, which have no padding.
  func channelSums(_ dy: PlanValue, to bias: TensorName, of node: Node) throws {
    let view = Self.view(dy.layout, channelAxis: 1)
    let sums = gradientDestination(bias, try .plain(shape(bias)))
    let partial = allocate(bytes: 4 * qat_channel_sums_partial_count(view))
    append(
      KernelStep("Conv backward bias \(node.name)", reads: [dy.buffer], writes: [sums.buffer, partial]) {
        qat_channel_sums(view, dy.buffer.floats, partial.floats, sums.buffer.floats)
      })
    try contribute(sums, to: bias)
  }
}
