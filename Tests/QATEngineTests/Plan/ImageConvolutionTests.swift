import CVectorKernels
import QATGraph
import QATTensor
import Testing

@Suite("Gradients of convolutions of images", .serialized)
struct ImageConvolutionTests {
  private static let cases = [
    ConvolutionCase(3, 3, 32, 22, 30, kernel: 7, stride: 2, pads: [3, 3, 3, 3]), ConvolutionCase(2, 1, 16, 28, 28, stride: 2),
    ConvolutionCase(20, 2, 16, 9, 8, kernel: 5, pads: [2, 0, 1, 4]), ConvolutionCase(1, 3, 48, 35, 23, kernel: 11, stride: 4, pads: [2, 2, 2, 2]),
    ConvolutionCase(2, 3, 16, 5, 150), ConvolutionCase(17, 1, 16, 6, 7, kernel: 2, stride: 3, pads: [0, 1, 0, 0]),
    ConvolutionCase(1, 3, 16, 1, 1, kernel: 7, stride: 2, pads: [3, 3, 3, 3]),
    ConvolutionCase(2, 2, 32, 8, 8, kernel: 4, stride: 4, pads: [0, 0, 0, 0]),
    ConvolutionCase(1, 1, 16, 10, 9, kernel: 1, stride: 2, pads: [0, 0, 0, 0]),
  ]

  @Test(
    "are the direct sums up to rounding, for blocks of 8 and 16 channels, and the same bits for any number of threads", arguments: cases, [8, 16])
  func kernels(_ c: ConvolutionCase, block: Int) {
    let shape = qat_image_convolution(
      batch: c.batch, block: block, in_channels: c.inputs, in_height: c.height, in_width: c.width, out_channels: c.outputs, out_height: c.outHeight,
      out_width: c.outWidth, kernel: c.kernel, stride: c.stride, pad_top: c.pads[0], pad_left: c.pads[1])
    expectDirectSums(
      c, inputBlock: 1, outputBlock: block, tolerance: 2e-6,
      scratchCount: max(qat_image_backward_data_scratch(shape), qat_image_backward_weights_scratch(shape)),
      data: { qat_image_backward_data(shape, $0, $1, $2, $3) }, weights: { qat_image_backward_weights(shape, $0, $1, $2, $3) })
  }

  @Test("are what a plan makes of a network's first convolution, with the sums that a bias needs, and towards what made the image", arguments: cases)
  func plans(_ c: ConvolutionCase) throws {
    var graph = Graph(
      name: "first", inputs: [.init(name: "image", type: TensorType([.batch, .fixed(c.inputs), .fixed(c.height), .fixed(c.width)]))])
    graph.constants["shift"] = .init(
      Tensor(randomFloats(c.inputs * c.height * c.width, seed: 6), shape: [1, c.inputs, c.height, c.width]), .parameter)
    graph.nodes = [Node(name: "shifted", op: Add(), inputs: ["image", "shift"], outputs: ["x"])]
    graph.outputs = ["x"]
    try expectPlanMatchesPlainKernels(c.convolving(graph), batchSize: c.batch, tolerance: 1e-5)
  }
}
