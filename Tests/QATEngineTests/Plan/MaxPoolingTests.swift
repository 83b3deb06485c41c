import CVectorKernels
import QATEngine
import QATGraph
import QATModels
import QATTensor
import Testing

/// Shapes of a max pooling by stride 2: planes, height and width, the window, and pads at the top and at the left, at the bottom and at the right.
private struct Case: CustomTestStringConvertible {
  var planes, height, width, kernel: Int
  var pads: [Int]
  var roundsUp = false

  var window: Window { Window(kernel: [kernel, kernel], strides: [2, 2], pads: pads, roundsUp: roundsUp) }
  var testDescription: String { "\(planes) of \(height) × \(width), \(kernel) × \(kernel), pads \(pads)\(roundsUp ? ", rounding up" : "")" }
}

@Suite("Max pooling by stride 2", .serialized)
struct MaxPoolingTests {
  private static let cases = [
    Case(planes: 2, height: 44, width: 48, kernel: 3, pads: [1, 1, 1, 1]), Case(planes: 2, height: 9, width: 11, kernel: 3, pads: [0, 0, 0, 0]),
    Case(planes: 1, height: 10, width: 7, kernel: 3, pads: [2, 1, 0, 2]), Case(planes: 2, height: 8, width: 9, kernel: 2, pads: [0, 0, 0, 0]),
    Case(planes: 1, height: 7, width: 6, kernel: 2, pads: [1, 0, 0, 1]), Case(planes: 1, height: 1, width: 1, kernel: 3, pads: [1, 1, 1, 1]),
    Case(planes: 5, height: 6, width: 5, kernel: 3, pads: [0, 0, 0, 0], roundsUp: true),
    Case(planes: 1, height: 2, width: 2, kernel: 3, pads: [0, 0, 0, 0], roundsUp: true),
    Case(planes: 3, height: 33, width: 60, kernel: 2, pads: [0, 0, 0, 0], roundsUp: true),
  ]

  /// Few different values, so that most windows have several maxima; and some that no number is larger than.
  private static let contents: [(String, @Sendable (Float) -> Float)] = [
    ("many ties", { ($0 * 2).rounded() }), ("one value", { _ in -1 }), ("the smallest value", { _ in -.infinity }),
    ("undefined values among others", { $0 > 1.2 ? .nan : $0 }), ("no ties", { $0 }),
  ]

  @Test(
    "takes the first maximum of each window and sends the gradient there, as the plain kernel in float64, for blocks of 8 and 16 channels and the same bits for any number of threads",
    arguments: cases, [8, 16])
  private func kernels(_ c: Case, block: Int) throws {
    for (what, content) in Self.contents {
      let x = randomFloats(c.planes * block * c.height * c.width, seed: 1).map(content)
      let op = MaxPool(window: c.window)
      let context = KernelContext(mode: .training)
      let inputs = [NDArray(plain(x, block, c.height * c.width).map(Double.init), shape: [c.planes, block, c.height, c.width])]
      let expected = op.forward(inputs, context).outputs
      let (outHeight, outWidth) = (expected[0].shape[2], expected[0].shape[3])
      let upstream = randomFloats(expected[0].elements.count, seed: 2)
      let gradients = [NDArray(plain(upstream, block, outHeight * outWidth).map(Double.init), shape: expected[0].shape)]
      let dx = try #require(op.backward(inputs: inputs, outputs: expected, outputGradients: gradients, context)[0])
      let shape = qat_max_pooling(
        planes: c.planes, block: block, in_height: c.height, in_width: c.width, out_height: outHeight, out_width: outWidth, kernel: c.kernel,
        pad_top: c.pads[0], pad_left: c.pads[1])
      expectSameForAnyThreads {
        var (found, taps) = ([Float](repeating: 7, count: upstream.count), [UInt8](repeating: 255, count: upstream.count))
        var gradient = [Float](repeating: .nan, count: x.count)
        qat_max_pooling_forward(shape, x, &found, &taps)
        qat_max_pooling_backward(shape, upstream, taps, &gradient)
        let values = plain(found, block, outHeight * outWidth)
        #expect(zip(values, expected[0].elements).allSatisfy { Double($0) == $1 || $0.isNaN && $1.isNaN }, "\(what)")
        expectClose(plain(gradient, block, c.height * c.width), dx.elements.map(Float.init), 1e-6, "gradient, \(what)", nil, #_sourceLocation)
        return gradient + found.map { $0.isNaN ? 0 : $0 } + taps.map(Float.init)
      }
    }
  }

  @Test("is what a plan makes of it, also where channels do not fill their blocks", arguments: cases, [16, 20])
  private func plans(_ c: Case, channels: Int) throws {
    var builder = NetworkBuilder(name: "pooled", input: [3, c.height, c.width], seed: 5)
    let before = builder.relu(builder.convolution(builder.input, "before", channels: channels, kernel: 1), "relu")
    var graph = builder.graph(output: before)
    graph.nodes.append(Node(name: "pool", op: MaxPool(window: c.window), inputs: [graph.outputs[0]], outputs: ["y"]))
    graph.outputs = ["y"]
    try expectPlanMatchesPlainKernels(graph, batchSize: min(c.planes, 5), tolerance: 1e-5)
  }

  @Test("shows in training where a value is not a number", arguments: [2, 3])
  func undefinedValues(kernel: Int) throws {
    var builder = NetworkBuilder(name: "undefined", input: [3, 8, 8], seed: 5)
    let x = builder.convolution(builder.input, "conv", channels: 16, kernel: 1)
    let graph = builder.graph(output: builder.maxPool(x, "pool", kernel: kernel, stride: 2))
    let plan = try Plan(graph, state: ModelState(graph), batchSize: 1, mode: .training)
    let input = plan.input(graph.inputs[0].name)
    input.update(repeating: 1)
    input[9] = .nan
    plan.forward()
    let output = plan.output(graph.outputs[0])
    for (index, value) in output.enumerated() { #expect(value.isNaN == index.isMultiple(of: output.count / 16), "element \(index)") }
  }

  /// [plane][position][block] as [plane][block][position].
  private func plain(_ blocked: [Float], _ block: Int, _ positions: Int) -> [Float] {
    blocked.indices.map { index in
      let (plane, channel, position) = (index / (block * positions), index / positions % block, index % positions)
      return blocked[(plane * positions + position) * block + channel]
    }
  }
}
