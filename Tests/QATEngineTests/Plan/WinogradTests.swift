import CVectorKernels
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

/// A convolution's shapes: samples, channels in and out, height and width of the input, pads at the top and at the left, at the bottom and at the right.
private struct Case: CustomTestStringConvertible {
  var batch, inputs, outputs, height, width: Int
  var pads: [Int]

  init(_ batch: Int, _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int, _ pads: [Int] = [1, 1, 1, 1]) {
    (self.batch, self.inputs, self.outputs, self.height, self.width, self.pads) = (batch, inputs, outputs, height, width, pads)
  }

  var outHeight: Int { height + pads[0] + pads[2] - 2 }
  var outWidth: Int { width + pads[1] + pads[3] - 2 }
  var testDescription: String { "\(batch) × \(inputs) → \(outputs), \(height) × \(width), pads \(pads)" }
}

/// A tensor [N, C, H, W] and the order in which the kernels want it.
private struct Blocked {
  let channels, height, width, block: Int

  func index(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int { (((n * (channels / block) + c / block) * height + y) * width + x) * block + c % block }
}

@Suite("Gradients of 3 × 3 convolutions by Winograd's filtering", .serialized)
struct WinogradTests {
  private static let cases = [
    Case(2, 16, 16, 12, 12), Case(1, 16, 48, 13, 18), Case(3, 32, 16, 7, 9, [0, 0, 0, 0]), Case(2, 16, 16, 10, 11, [2, 2, 2, 2]),
    Case(1, 48, 32, 17, 15, [0, 1, 2, 1]), Case(5, 16, 32, 5, 6, [1, 0, 1, 2]), Case(16, 16, 16, 1, 3), Case(1, 288, 80, 16, 16),
    Case(70, 16, 16, 8, 8), Case(1, 528, 48, 20, 16),
  ]

  @Test(
    "are the direct sums up to rounding, for blocks of 8 and 16 channels, and the same bits for any number of threads", arguments: cases, [8, 16])
  private func kernels(_ c: Case, block: Int) throws {
    let x = Blocked(channels: c.inputs, height: c.height, width: c.width, block: block)
    let y = Blocked(channels: c.outputs, height: c.outHeight, width: c.outWidth, block: block)
    let inputs = randomFloats(c.batch * c.inputs * c.height * c.width, seed: 1)
    let upstream = randomFloats(c.batch * c.outputs * c.outHeight * c.outWidth, seed: 2)
    let weights = randomFloats(c.outputs * c.inputs * 9, seed: 3)
    var dx = [Double](repeating: 0, count: inputs.count)
    var dw = [Double](repeating: 0, count: weights.count)
    for n in 0..<c.batch {
      for k in 0..<c.outputs {
        for i in 0..<c.outHeight {
          for j in 0..<c.outWidth {
            let g = Double(upstream[y.index(n, k, i, j)])
            for (r, s) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
              let (row, column) = (i + r - c.pads[0], j + s - c.pads[1])
              guard 0..<c.height ~= row, 0..<c.width ~= column else { continue }
              for channel in 0..<c.inputs {
                let (at, tap) = (x.index(n, channel, row, column), (k * c.inputs + channel) * 9 + r * 3 + s)
                dx[at] += g * Double(weights[tap])
                dw[tap] += g * Double(inputs[at])
              }
            }
          }
        }
      }
    }
    let shape = qat_winograd(
      batch: c.batch, block: block, in_channels: c.inputs, in_height: c.height, in_width: c.width, out_channels: c.outputs, out_height: c.outHeight,
      out_width: c.outWidth, pad_top: c.pads[0], pad_left: c.pads[1])
    // What was in the memory before must not matter.
    let scratch = AlignedBuffer<Float>(count: qat_winograd_scratch(shape))
    let before = EngineEnvironment.threadCount
    defer { EngineEnvironment.threadCount = before }
    var found: [[Float]] = []
    for threads in [1, 2, 3] {
      EngineEnvironment.threadCount = threads
      scratch.elements.update(repeating: .nan)
      var (data, weight) = ([Float](repeating: .nan, count: dx.count), [Float](repeating: .nan, count: dw.count))
      qat_winograd_backward_data(shape, upstream, weights, &data, scratch.pointer)
      qat_winograd_backward_weights(shape, inputs, upstream, &weight, scratch.pointer)
      expectClose(data, dx.map(Float.init), 4e-6, "data", nil, #_sourceLocation)
      expectClose(weight, dw.map(Float.init), 4e-6, "weights", nil, #_sourceLocation)
      found.append(data + weight)
    }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test("are what a plan makes of a convolution between others, with the sums that a bias needs", arguments: cases)
  private func plans(_ c: Case) throws {
    var builder = NetworkBuilder(name: "sandwich", input: [3, c.height, c.width], seed: 5)
    let before = builder.convolution(builder.input, "before", channels: c.inputs, kernel: 1)
    var graph = builder.graph(output: before)
    graph.constants["w"] = .init(Tensor(randomFloats(c.outputs * c.inputs * 9, seed: 7), shape: [c.outputs, c.inputs, 3, 3]), .parameter)
    graph.constants["b"] = .init(Tensor(randomFloats(c.outputs, seed: 8), shape: [c.outputs]), .parameter)
    let op = Convolution(window: Window(kernel: [3, 3], pads: c.pads))
    graph.nodes.append(Node(name: "node", op: op, inputs: [graph.outputs[0], "w", "b"], outputs: ["y"]))
    graph.outputs = ["y"]
    try expectPlanMatchesPlainKernels(graph, batchSize: c.batch, tolerance: 1e-5)
  }
}
