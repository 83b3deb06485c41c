import CVectorKernels

/// Gradients of 3 × 3 convolutions of stride 1 by Winograd's minimal filtering: a quarter of the products, rounding errors twice those of direct sums (Lavin
/// and Gray 2015, arXiv:1509.09308). Gradients only: what the network computes forward is what the runtimes compute.
extension ConvolutionShapes {
  /// The gradient of the input.
  func winogradDataGradient(source: Layout, destination: Layout) -> ConvolutionGradient? {
    winograd(source: source, destination: destination).map {
      ConvolutionGradient($0, source: source, scratch: qat_winograd_scratch, qat_winograd_backward_data)
    }
  }

  /// The gradient of the weight.
  func winogradWeightGradient(source: Layout, destination: Layout) -> ConvolutionGradient? {
    winograd(source: source, destination: destination).map {
      ConvolutionGradient($0, source: source, scratch: qat_winograd_scratch, qat_winograd_backward_weights)
    }
  }

  /// The convolution as these kernels see it, where they can and should compute a gradient between tensors of these layouts; else nil.
  private func winograd(source: Layout, destination: Layout) -> qat_winograd? {
    let (x, y, w) = (self.source, self.destination, window)
    guard mayHaveOwnGradients, w.kernel == [3, 3], w.strides == [1, 1], (w.padsBegin + w.padsEnd).allSatisfy({ 0...2 ~= $0 }) else { return nil }
    let block = source.channelBlock
    guard [8, 16].contains(block), destination.channelBlock == block, x[1].isMultiple(of: 16), y[1].isMultiple(of: 16) else { return nil }
    // Below sixteen tiles of four by four outputs, transforming the weights costs more than the products that are saved.
    guard y[0] * ((y[2] + 3) / 4) * ((y[3] + 3) / 4) >= 16 else { return nil }
    return qat_winograd(
      batch: x[0], block: block, in_channels: x[1], in_height: x[2], in_width: x[3], out_channels: y[1], out_height: y[2], out_width: y[3],
      pad_top: Int(w.padsBegin[0]), pad_left: Int(w.padsBegin[1]))
  }
}
