import CVectorKernels
import QATEngine
import QATGraph
import QATTensor
import Testing

/// A convolution's shapes: samples, channels in and out, height and width of the image, the window, and pads at the top and at the left, at the bottom and at
/// the right.
private struct Case: CustomTestStringConvertible {
  var batch, inputs, outputs, height, width, kernel, stride: Int
  var pads: [Int]

  init(_ batch: Int, _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int, kernel: Int, stride: Int, pads: [Int]) {
    (self.batch, self.inputs, self.outputs, self.height, self.width) = (batch, inputs, outputs, height, width)
    (self.kernel, self.stride, self.pads) = (kernel, stride, pads)
  }

  var outHeight: Int { (height + pads[0] + pads[2] - kernel) / stride + 1 }
  var outWidth: Int { (width + pads[1] + pads[3] - kernel) / stride + 1 }
  var testDescription: String { "\(batch) × \(inputs) → \(outputs), \(height) × \(width), \(kernel) × \(kernel) by \(stride), pads \(pads)" }
}

@Suite("Gradients of convolutions of images", .serialized)
struct ImageConvolutionTests {
  private static let cases = [
    Case(3, 3, 32, 22, 30, kernel: 7, stride: 2, pads: [3, 3, 3, 3]), Case(2, 1, 16, 28, 28, kernel: 3, stride: 2, pads: [1, 1, 1, 1]),
    Case(20, 2, 16, 9, 8, kernel: 5, stride: 1, pads: [2, 0, 1, 4]), Case(1, 3, 48, 35, 23, kernel: 11, stride: 4, pads: [2, 2, 2, 2]),
    Case(2, 3, 16, 5, 150, kernel: 3, stride: 1, pads: [1, 1, 1, 1]), Case(17, 1, 16, 6, 7, kernel: 2, stride: 3, pads: [0, 1, 0, 0]),
    Case(1, 3, 16, 1, 1, kernel: 7, stride: 2, pads: [3, 3, 3, 3]), Case(2, 2, 32, 8, 8, kernel: 4, stride: 4, pads: [0, 0, 0, 0]),
    Case(1, 1, 16, 10, 9, kernel: 1, stride: 2, pads: [0, 0, 0, 0]),
  ]

  @Test(
    "are the direct sums up to rounding, for blocks of 8 and 16 channels, and the same bits for any number of threads", arguments: cases, [8, 16])
  private func kernels(_ c: Case, block: Int) throws {
    let (outHeight, outWidth, taps) = (c.outHeight, c.outWidth, c.kernel * c.kernel)
    let inputs = randomFloats(c.batch * c.inputs * c.height * c.width, seed: 1)
    let upstream = randomFloats(c.batch * c.outputs * outHeight * outWidth, seed: 2)
    let weights = randomFloats(c.outputs * c.inputs * taps, seed: 3)
    var dx = [Double](repeating: 0, count: inputs.count)
    var dw = [Double](repeating: 0, count: weights.count)
    for n in 0..<c.batch {
      for k in 0..<c.outputs {
        for (i, j) in positions(outHeight, outWidth) {
          let g = Double(upstream[(((n * (c.outputs / block) + k / block) * outHeight + i) * outWidth + j) * block + k % block])
          for (r, s) in positions(c.kernel, c.kernel) {
            let (row, column) = (i * c.stride + r - c.pads[0], j * c.stride + s - c.pads[1])
            guard 0..<c.height ~= row, 0..<c.width ~= column else { continue }
            for channel in 0..<c.inputs {
              let at = ((n * c.inputs + channel) * c.height + row) * c.width + column
              let tap = (k * c.inputs + channel) * taps + r * c.kernel + s
              dx[at] += g * Double(weights[tap])
              dw[tap] += g * Double(inputs[at])
            }
          }
        }
      }
    }
    let shape = qat_image_convolution(
      batch: c.batch, block: block, in_channels: c.inputs, in_height: c.height, in_width: c.width, out_channels: c.outputs, out_height: outHeight,
      out_width: outWidth, kernel: c.kernel, stride: c.stride, pad_top: c.pads[0], pad_left: c.pads[1])
    // What was in the memory before must not matter.
    let scratch = AlignedBuffer<Float>(count: max(qat_image_backward_data_scratch(shape), qat_image_backward_weights_scratch(shape)))
    let before = EngineEnvironment.threadCount
    defer { EngineEnvironment.threadCount = before }
    var found: [[Float]] = []
    for threads in [1, 2, 3] {
      EngineEnvironment.threadCount = threads
      var (data, weight) = ([Float](repeating: .nan, count: dx.count), [Float](repeating: .nan, count: dw.count))
      scratch.elements.update(repeating: .nan)
      qat_image_backward_data(shape, upstream, weights, &data, scratch.pointer)
      scratch.elements.update(repeating: .nan)
      qat_image_backward_weights(shape, inputs, upstream, &weight, scratch.pointer)
      expectClose(data, dx.map(Float.init), 2e-6, "data", nil, #_sourceLocation)
      expectClose(weight, dw.map(Float.init), 2e-6, "weights", nil, #_sourceLocation)
      found.append(data + weight)
    }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test("are what a plan makes of a network's first convolution, with the sums that a bias needs, and towards what made the image", arguments: cases)
  private func plans(_ c: Case) throws {
    var graph = Graph(
      name: "first", inputs: [.init(name: "image", type: TensorType([.batch, .fixed(c.inputs), .fixed(c.height), .fixed(c.width)]))])
    graph.constants["shift"] = .init(
      Tensor(randomFloats(c.inputs * c.height * c.width, seed: 6), shape: [1, c.inputs, c.height, c.width]), .parameter)
    graph.constants["w"] = .init(
      Tensor(randomFloats(c.outputs * c.inputs * c.kernel * c.kernel, seed: 7), shape: [c.outputs, c.inputs, c.kernel, c.kernel]), .parameter)
    graph.constants["b"] = .init(Tensor(randomFloats(c.outputs, seed: 8), shape: [c.outputs]), .parameter)
    let window = Window(kernel: [c.kernel, c.kernel], strides: [c.stride, c.stride], pads: c.pads)
    graph.nodes = [
      Node(name: "shifted", op: Add(), inputs: ["image", "shift"], outputs: ["x"]),
      Node(name: "node", op: Convolution(window: window), inputs: ["x", "w", "b"], outputs: ["y"]),
    ]
    graph.outputs = ["y"]
    try expectPlanMatchesPlainKernels(graph, batchSize: c.batch, tolerance: 1e-5)
  }

  private func positions(_ rows: Int, _ columns: Int) -> [(Int, Int)] { (0..<rows).flatMap { row in (0..<columns).map { (row, $0) } } }
}
