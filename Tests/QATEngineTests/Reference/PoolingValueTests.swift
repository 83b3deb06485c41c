import QATEngine
import QATGraph
import QATTensor
import Testing

@Suite struct PoolingValueTests {
  private let context = KernelContext(mode: .training)
  private let image = NDArray<Float>((1...9).map(Float.init), shape: [1, 1, 3, 3])

  private func apply(_ op: any ReferenceKernel, _ x: NDArray<Float>) -> NDArray<Float> { op.forward([x], context).outputs[0] }

  private func gradient(_ op: any ReferenceKernel, _ x: NDArray<Float>, _ upstream: [Float]) -> [Float]? {
    let y = apply(op, x)
    return op.backward(inputs: [x], outputs: [y], outputGradients: [NDArray(upstream, shape: y.shape)], context)[0]?.elements
  }

  @Test func theMaximumIsTakenUnderEachWindow() {
    #expect(apply(MaxPool(window: Window(square: 2)), image) == NDArray([5, 6, 8, 9], shape: [1, 1, 2, 2]))
    #expect(apply(MaxPool(window: Window(square: 3, stride: 2, pad: 1)), image).elements == [5, 6, 8, 9])
  }

  @Test func paddingNeverWins() {
    let x = image.map { -$0 }
    #expect(apply(MaxPool(window: Window(square: 3, stride: 2, pad: 1)), x).elements == [-1, -2, -4, -5])
  }

  @Test func roundingUpAddsAWindowThatReachesOut() {
    let window = Window(kernel: [2, 2], strides: [2, 2], roundsUp: true)
    #expect(apply(MaxPool(window: window), image) == NDArray([5, 6, 8, 9], shape: [1, 1, 2, 2]))
    // What lies beyond the padding never counts, so the window at the corner averages one element.
    #expect(apply(AveragePool(window: window), image).elements == [3, 4.5, 7.5, 9])
    #expect(apply(AveragePool(window: window, countsPadding: true), image).elements == [3, 4.5, 7.5, 9])
  }

  @Test func averagesDivideByWhatIsCounted() {
    let window = Window(square: 2, stride: 2, pad: 1)
    #expect(apply(AveragePool(window: window), image).elements == [1, 2.5, 5.5, 7])
    #expect(apply(AveragePool(window: window, countsPadding: true), image).elements == [0.25, 1.25, 2.75, 7])
  }

  @Test func dilatedWindowsSkipElements() {
    let window = Window(kernel: [2, 2], dilations: [2, 2])
    #expect(apply(MaxPool(window: window), image).elements == [9])
    #expect(apply(AveragePool(window: window), image).elements == [5])
  }

  @Test func theGradientGoesToTheFirstOfEqualMaxima() {
    let ties = NDArray<Float>([1, 7, 7, 7], shape: [1, 1, 2, 2])
    #expect(gradient(MaxPool(window: Window(square: 2)), ties, [3]) == [0, 3, 0, 0])
  }

  @Test func gradientsOfOverlappingWindowsAddUp() {
    let peak = NDArray<Float>([0, 0, 0, 0, 1, 0, 0, 0, 0], shape: [1, 1, 3, 3])
    #expect(gradient(MaxPool(window: Window(square: 2)), peak, [1, 2, 3, 4]) == [0, 0, 0, 0, 10, 0, 0, 0, 0])
    #expect(gradient(AveragePool(window: Window(square: 2)), peak, [4, 4, 4, 4]) == [1, 2, 1, 2, 4, 2, 1, 2, 1])
  }

  @Test func aWindowOverPaddingAloneHasNoMaximumAndAverageZero() {
    // Its elements lie left and right of, above and below the only pixel.
    let window = Window(kernel: [2, 2], pads: [1, 1, 1, 1], dilations: [2, 2])
    let dot = NDArray<Float>([2], shape: [1, 1, 1, 1])
    #expect(apply(MaxPool(window: window), dot).elements == [-.infinity])
    #expect(apply(AveragePool(window: window), dot).elements == [0])
    #expect(gradient(MaxPool(window: window), dot, [5]) == [0])
  }

  @Test func notANumberIsNotHidden() {
    let x = NDArray<Float>([1, .nan, 3, 2], shape: [1, 1, 2, 2])
    #expect(apply(MaxPool(window: Window(square: 2)), x).elements[0].isNaN)
    #expect(apply(AveragePool(window: Window(square: 2)), x).elements[0].isNaN)
  }

  @Test func theGlobalAverageIsTheMeanOfEachPlane() {
    let x = NDArray<Float>([1, 2, 3, 6, 0, 0, 0, 4], shape: [1, 2, 2, 2])
    #expect(apply(GlobalAveragePool(), x) == NDArray([3, 1], shape: [1, 2, 1, 1]))
  }
}
