import CVectorKernels

/// Gradients of convolutions of images, whose few channels leave oneDNN's vectors almost empty or need matrix products with passes around them. Which of them
/// are ours, a layer's shape says alone.
extension ConvolutionShapes {
  /// The gradient of the image, where that is faster than a matrix product: from 128 products a position on.
  func imageDataGradient(source: Layout, destination: Layout) -> ConvolutionGradient? {
    guard let image = image(source: source, destination: destination) else { return nil }
    let products = image.kernel * image.kernel * image.in_channels * image.out_channels
    guard products >= 128 * image.stride * image.stride else { return nil }
    return ConvolutionGradient(image, source: source, scratch: qat_image_backward_data_scratch, qat_image_backward_data)
  }

  /// The gradient of the weight, where that is faster: of one or two channels, or windows larger than 3 × 3.
  func imageWeightGradient(source: Layout, destination: Layout) -> ConvolutionGradient? {
    guard let image = image(source: source, destination: destination), image.in_channels < 3 || image.kernel > 3 else { return nil }
    return ConvolutionGradient(image, source: source, scratch: qat_image_backward_weights_scratch, qat_image_backward_weights)
  }

  /// The convolution as these kernels see it, where they can compute a gradient between tensors of these layouts; else nil.
  private func image(source: Layout, destination: Layout) -> qat_image_convolution? {
    let (x, y, w) = (self.source, self.destination, window)
    guard mayHaveOwnGradients, x[1] <= Int(qat_image_channels), y[1].isMultiple(of: 16), w.kernel[0] == w.kernel[1],
      w.kernel[0] <= Int64(qat_image_kernel), w.strides[0] == w.strides[1],
      (w.padsBegin + w.padsEnd).allSatisfy({ $0 < w.kernel[0] }), w.padsBegin.allSatisfy({ $0 >= 0 })
    else { return nil }
    let block = destination.channelBlock
    guard source.isPlain, [8, 16].contains(block) else { return nil }
    return qat_image_convolution(
      batch: x[0], block: block, in_channels: x[1], in_height: x[2], in_width: x[3], out_channels: y[1], out_height: y[2], out_width: y[3],
      kernel: Int(w.kernel[0]), stride: Int(w.strides[0]), pad_top: Int(w.padsBegin[0]), pad_left: Int(w.padsBegin[1]))
  }
}
