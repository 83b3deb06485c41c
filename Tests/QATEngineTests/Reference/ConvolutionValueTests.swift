import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct ConvolutionValueTests {
  private let context = KernelContext(mode: .evaluation)
  /// 1 2 3 / 4 5 6 / 7 8 9.
  private let image = NDArray<Float>((1...9).map(Float.init), shape: [1, 1, 3, 3])

  @Test func aWindowTakesWeightedSumsWithoutFlippingTheKernel() {
    let kernel = NDArray<Float>([1, 2, 3, 4], shape: [1, 1, 2, 2])
    let y = Convolution(window: Window(square: 2)).forward([image, kernel], context).outputs[0]
    // 1·1 + 2·2 + 3·4 + 4·5 = 37, and so on.
    #expect(y == NDArray([37, 47, 67, 77], shape: [1, 1, 2, 2]))
  }

  @Test func paddingCountsAsZeroAndStridesSkip() {
    let ones = NDArray<Float>(repeating: 1, shape: [1, 1, 3, 3])
    let y = Convolution(window: Window(square: 3, stride: 2, pad: 1)).forward([image, ones], context).outputs[0]
    // 1 + 2 + 4 + 5, 2 + 3 + 5 + 6, 4 + 5 + 7 + 8, 5 + 6 + 8 + 9.
    #expect(y == NDArray([12, 16, 24, 28], shape: [1, 1, 2, 2]))
  }

  @Test func dilationSpreadsTheKernel() {
    let kernel = NDArray<Float>([1, 10, 100, 1000], shape: [1, 1, 2, 2])
    let y = Convolution(window: Window(kernel: [2, 2], dilations: [2, 2])).forward([image, kernel], context).outputs[0]
    #expect(y == NDArray([9731], shape: [1, 1, 1, 1]))
  }

  @Test func groupsSeeTheirOwnChannelsAndTheBiasIsAdded() {
    let x = NDArray<Float>([1, 2, 3, 4], shape: [1, 4, 1, 1])
    let weight = NDArray<Float>([1, 1, 1, -1, 2, 2, 2, -2], shape: [4, 2, 1, 1])
    let bias = NDArray<Float>([0, 0.5, 0, 0.25], shape: [4])
    let y = Convolution(window: Window(square: 1), groups: 2).forward([x, weight, bias], context).outputs[0]
    #expect(y == NDArray([3, -0.5, 14, -1.75], shape: [1, 4, 1, 1]))
  }

  @Test func theGradientOfASumCountsHowOftenEachElementIsUsed() {
    let ones = NDArray<Float>(repeating: 1, shape: [1, 1, 2, 2])
    let op = Convolution(window: Window(square: 2))
    let upstream = NDArray<Float>(repeating: 1, shape: [1, 1, 2, 2])
    let outputs = op.forward([image, ones, NDArray([0], shape: [1])], context).outputs
    let gradients = op.backward(inputs: [image, ones, NDArray([0], shape: [1])], outputs: outputs, outputGradients: [upstream], context)
    #expect(gradients[0]?.elements == [1, 2, 1, 2, 4, 2, 1, 2, 1])
    #expect(gradients[1]?.elements == [12, 16, 24, 28])
    #expect(gradients[2]?.elements == [4])
  }

  @Test(arguments: GradientTests.convolutions)
  func everyConvolutionEqualsItsDefinition(_ test: GradientCase) throws {
    let op = try #require(test.op as? Convolution)
    let x = try #require(test.inputs[0])
    let weight = try #require(test.inputs[1])
    let bias = test.inputs.count > 2 ? test.inputs[2] : nil
    let y = op.forward(test.inputs, context).outputs[0]
    let window = op.window
    let perGroup = weight.shape[1]
    for n in 0..<y.shape[0] {
      for o in 0..<y.shape[1] {
        for i in 0..<y.shape[2] {
          for j in 0..<y.shape[3] {
            var sum = bias?.elements[o] ?? 0
            for c in 0..<perGroup {
              for u in 0..<window.kernel[0] {
                for v in 0..<window.kernel[1] {
                  let row = i * window.strides[0] + u * window.dilations[0] - window.pads[0]
                  let column = j * window.strides[1] + v * window.dilations[1] - window.pads[1]
                  let channel = o / (y.shape[1] / op.groups) * perGroup + c
                  sum += x.pixel(n, channel, row, column) * weight.pixel(o, c, u, v)
                }
              }
            }
            #expect(abs(y.pixel(n, o, i, j) - sum) < 1e-12)
          }
        }
      }
    }
  }
}

extension NDArray where Scalar == Double {
  /// The element of an image [N, C, H, W], 0 outside of it.
  fileprivate func pixel(_ n: Int, _ c: Int, _ i: Int, _ j: Int) -> Double {
    guard i >= 0, i < shape[2], j >= 0, j < shape[3] else { return 0 }
    return elements[((n * shape[1] + c) * shape[2] + i) * shape[3] + j]
  }
}
