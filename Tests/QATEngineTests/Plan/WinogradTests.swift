import CVectorKernels
import QATModels
import Testing

@Suite("Gradients of 3 × 3 convolutions by Winograd's filtering", .serialized)
struct WinogradTests {
  private static let cases = [
    ConvolutionCase(2, 16, 16, 12, 12), ConvolutionCase(1, 16, 48, 13, 18), ConvolutionCase(3, 32, 16, 7, 9, pads: [0, 0, 0, 0]),
    ConvolutionCase(2, 16, 16, 10, 11, pads: [2, 2, 2, 2]), ConvolutionCase(1, 48, 32, 17, 15, pads: [0, 1, 2, 1]),
    ConvolutionCase(5, 16, 32, 5, 6, pads: [1, 0, 1, 2]), ConvolutionCase(16, 16, 16, 1, 3), ConvolutionCase(1, 288, 80, 16, 16),
    ConvolutionCase(70, 16, 16, 8, 8), ConvolutionCase(1, 528, 48, 20, 16),
  ]

  @Test(
    "are the direct sums up to rounding, for blocks of 8 and 16 channels, and the same bits for any number of threads", arguments: cases, [8, 16])
  func kernels(_ c: ConvolutionCase, block: Int) {
    let shape = qat_winograd(
      batch: c.batch, block: block, in_channels: c.inputs, in_height: c.height, in_width: c.width, out_channels: c.outputs, out_height: c.outHeight,
      out_width: c.outWidth, pad_top: c.pads[0], pad_left: c.pads[1])
    expectDirectSums(
      c, inputBlock: block, outputBlock: block, tolerance: 4e-6, scratchCount: qat_winograd_scratch(shape),
      data: { qat_winograd_backward_data(shape, $0, $1, $2, $3) }, weights: { qat_winograd_backward_weights(shape, $0, $1, $2, $3) })
  }

  @Test("are what a plan makes of a convolution between others, with the sums that a bias needs", arguments: cases)
  func plans(_ c: ConvolutionCase) throws {
    var builder = NetworkBuilder(name: "sandwich", input: [3, c.height, c.width], seed: 5)
    let before = builder.convolution(builder.input, "before", channels: c.inputs, kernel: 1)
    try expectPlanMatchesPlainKernels(c.convolving(builder.graph(output: before)), batchSize: c.batch, tolerance: 1e-5)
  }
}
