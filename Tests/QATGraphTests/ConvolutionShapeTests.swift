import QATGraph
import QATTensor
import Testing

@Suite struct ConvolutionShapeTests {
  private static let image: [Dimension] = [.batch, 3, 8, 6]
  private static let square = Convolution(window: Window(square: 3, stride: 2, pad: 1))

  static let convolutions: [ShapeCase] = [
    ShapeCase(Convolution(window: Window(square: 7, stride: 2, pad: 3)), [.batch, 3, 224, 224], [64, 3, 7, 7], gives: [.batch, 64, 112, 112]),
    ShapeCase(square, image, [16, 3, 3, 3], [16], gives: [.batch, 16, 4, 3]),
    ShapeCase(square, image, [16, 3, 3, 3], nil, gives: [.batch, 16, 4, 3]),
    ShapeCase(square, [2, 3, 8, 6], [16, 3, 3, 3], gives: [2, 16, 4, 3]),
    ShapeCase(Convolution(window: Window(kernel: [1, 3])), image, [5, 3, 1, 3], gives: [.batch, 5, 8, 4]),
    ShapeCase(Convolution(window: Window(kernel: [3, 3], dilations: [2, 1])), image, [5, 3, 3, 3], gives: [.batch, 5, 4, 4]),
    ShapeCase(Convolution(window: Window(square: 3, pad: 1), groups: 3), image, [6, 1, 3, 3], gives: [.batch, 6, 8, 6]),
    ShapeCase(Convolution(window: Window(square: 1), groups: 2), [.batch, 4, 1, 1], [6, 2, 1, 1], [6], gives: [.batch, 6, 1, 1]),
    ShapeCase(square, nil, [16, 3, 3, 3], refused: "Conv needs the input 'x'"),
    ShapeCase(square, image, refused: "Conv needs the input 'weight'"),
    ShapeCase(square, [.batch, 3, 8], [16, 3, 3, 3], refused: "'x' of 4 dimensions", "float32[batch, 3, 8]"),
    ShapeCase(square, image, [16, 3, 3], refused: "'weight' of 4 dimensions"),
    ShapeCase(square, [.batch, .batch, 8, 6], [16, 3, 3, 3], refused: "fixed channel counts"),
    ShapeCase(square, image, [16, 4, 3, 3], refused: "cannot take x", "float32[16, 4, 3, 3]"),
    ShapeCase(square, image, [16, 3, 3, 5], refused: "kernel_shape [3, 3]"),
    ShapeCase(square, image, [16, 3, 3, .batch], refused: "kernel_shape [3, 3]"),
    ShapeCase(square, image, [16, 3, 3, 3], [8], refused: "16 output channels", "float32[8]"),
    ShapeCase(square, image, [16, 3, 3, 3], [16, 1], refused: "bias"),
    ShapeCase(square, [.batch, 3, .batch, 6], [16, 3, 3, 3], refused: "2 fixed spatial dimensions"),
    ShapeCase(Convolution(window: Window(square: 3)), [.batch, 3, 2, 6], [16, 3, 3, 3], refused: "does not fit"),
    ShapeCase(Convolution(window: Window(square: 3), groups: 0), image, [16, 3, 3, 3], refused: "0 groups"),
    ShapeCase(Convolution(window: Window(square: 3), groups: -3), image, [6, -1, 3, 3], refused: "-3 groups"),
    ShapeCase(Convolution(window: Window(square: 3), groups: 3), image, [7, 1, 3, 3], refused: "3 groups"),
    // The product of groups and channels a group wraps around to 0.
    ShapeCase(Convolution(window: Window(square: 1), groups: 1 << 32), [.batch, 0, 8, 8], [0, 0x1_0000_0000, 1, 1], refused: "groups"),
    ShapeCase(Convolution(window: Window(square: 1), groups: Int.max), image, [6, 3, 1, 1], refused: "groups"),
    ShapeCase(Convolution(window: Window(kernel: [5], strides: [2])), [.batch, 3, 9], [4, 3, 5], gives: [.batch, 4, 3]),
    ShapeCase(Convolution(window: Window(kernel: [3, 1, 2])), [.batch, 3, 5, 6, 7], [4, 3, 3, 1, 2], gives: [.batch, 4, 3, 6, 6]),
    ShapeCase(Convolution(window: Window(kernel: [1, 1, 1, 1])), [.batch, 3, 5, 6, 7, 8], [4, 3, 1, 1, 1, 1], refused: "one to three"),
    ShapeCase(Convolution(window: Window(kernel: [])), [.batch, 3], [4, 3], refused: "one to three"),
    ShapeCase(Convolution(window: Window(kernel: [3, 3], roundsUp: true)), image, [6, 3, 3, 3], refused: "rounds up"),
  ]

  static let poolings: [ShapeCase] = [
    ShapeCase(MaxPool(window: Window(square: 3, stride: 2, pad: 1)), [.batch, 64, 112, 112], gives: [.batch, 64, 56, 56]),
    ShapeCase(MaxPool(window: Window(kernel: [2, 2], strides: [2, 2], roundsUp: true)), [.batch, 4, 5, 4], gives: [.batch, 4, 3, 2]),
    ShapeCase(AveragePool(window: Window(square: 7)), [.batch, 2048, 7, 7], gives: [.batch, 2048, 1, 1]),
    ShapeCase(AveragePool(window: Window(square: 2, stride: 2), countsPadding: true), [3, 1, 5, 4], gives: [3, 1, 2, 2]),
    ShapeCase(MaxPool(window: Window(square: 2)), [.batch, 4, 5], refused: "MaxPool", "4 dimensions"),
    ShapeCase(MaxPool(window: Window(square: 2, pad: 2)), [.batch, 4, 5, 5], refused: "smaller than the kernel"),
    ShapeCase(AveragePool(window: Window(kernel: [3, 1], pads: [0, 0, 0, 1])), [.batch, 4, 5, 5], refused: "smaller than the kernel"),
    ShapeCase(AveragePool(window: Window(square: 9)), [.batch, 4, 5, 5], refused: "does not fit"),
    ShapeCase(AveragePool(window: Window(square: 9)), nil, refused: "AveragePool needs the input 'x'"),
    ShapeCase(GlobalAveragePool(), [.batch, 512, 7, 9], gives: [.batch, 512, 1, 1]),
    ShapeCase(GlobalAveragePool(), [.batch, 512], refused: "GlobalAveragePool", "3 to 5 dimensions"),
    ShapeCase(GlobalAveragePool(), [.batch, 512, .batch, 7], refused: "fixed spatial dimensions"),
    ShapeCase(GlobalAveragePool(), [.batch, 512, 0, 7], refused: "above 0"),
  ]

  private static let doubling = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1])
  static let transposes: [ShapeCase] = [
    ShapeCase(ConvolutionTranspose(window: Window(square: 2, stride: 2)), image, [3, 8, 2, 2], [8], gives: [.batch, 8, 16, 12]),
    ShapeCase(ConvolutionTranspose(window: doubling, outputPadding: [1, 1]), image, [3, 8, 3, 3], gives: [.batch, 8, 16, 12]),
    ShapeCase(ConvolutionTranspose(window: doubling, groups: 3), image, [3, 2, 3, 3], nil, gives: [.batch, 6, 15, 11]),
    ShapeCase(ConvolutionTranspose(window: Window(kernel: [2], strides: [3], dilations: [2])), [.batch, 3, 4], [3, 5, 2], gives: [.batch, 5, 12]),
    ShapeCase(ConvolutionTranspose(window: Window(square: 1, stride: 1 << 31)), image, [3, 8, 1, 1], refused: "exceed"),
    ShapeCase(ConvolutionTranspose(window: Window(square: 1, pad: 9)), image, [3, 8, 1, 1], refused: "nothing left"),
    ShapeCase(ConvolutionTranspose(window: doubling, outputPadding: [1]), image, [3, 8, 3, 3], refused: "output padding [1]"),
    ShapeCase(ConvolutionTranspose(window: doubling), image, [4, 8, 3, 3], refused: "cannot take x"),
    ShapeCase(ConvolutionTranspose(window: doubling, groups: Int.max), image, [3, 8, 3, 3], refused: "groups"),
    ShapeCase(ConvolutionTranspose(window: doubling), image, [3, 8, 3, 2], refused: "kernel_shape [3, 3]"),
    ShapeCase(ConvolutionTranspose(window: doubling, groups: 3), image, [3, 2, 3, 3], [2], refused: "6 output channels"),
    ShapeCase(Resize(.scales([1, 1, 2, 0.5]), .linear), image, gives: [.batch, 3, 16, 3]),
    ShapeCase(Resize(.scales([1, 1, 1.3, 1]), .linear), image, gives: [.batch, 3, 10, 6]),
    ShapeCase(Resize(.sizes([nil, nil, 5, 9]), .nearest(.floor)), image, gives: [.batch, 3, 5, 9]),
    ShapeCase(Resize(.sizes([4, nil, nil, nil]), .linear), image, refused: "dimension 0, which is batch"),
    ShapeCase(Resize(.scales([1, 1, 2]), .linear), image, refused: "3 numbers for 4 dimensions"),
    ShapeCase(Resize(.scales([1, 1, 0, 1]), .linear), image, refused: "by 0.0"),
    ShapeCase(Resize(.scales([1, 1, .nan, 1]), .linear), image, refused: "nan"),
    ShapeCase(Resize(.sizes([nil, nil, -3, 2]), .linear), image, refused: "to -3"),
    ShapeCase(Resize(.scales([1, 1, 0.1, 1]), .linear), image, refused: "by 0.1"),
    ShapeCase(GlobalMaxPool(), [.batch, 8, 7], gives: [.batch, 8, 1]), ShapeCase(LpPool(window: Window(square: 2), p: 0), image, refused: "p = 0"),
    ShapeCase(LpPool(window: Window(square: 2)), image, gives: [.batch, 3, 7, 5]),
  ]

  @Test(arguments: transposes) func transposedConvolutionsHaveONNXShapes(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: convolutions) func convolutionsHaveONNXShapes(_ shapes: ShapeCase) { shapes.check() }

  @Test(arguments: poolings) func poolingsHaveONNXShapes(_ shapes: ShapeCase) { shapes.check() }
}
