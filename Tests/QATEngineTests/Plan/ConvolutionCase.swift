import CVectorKernels
import QATEngine
import QATGraph
import QATTensor
import Testing

/// A convolution's shapes: samples, channels in and out, height and width of the input, the window, and pads at the top and at the left, at the bottom and at
/// the right.
struct ConvolutionCase: CustomTestStringConvertible {
  var batch, inputs, outputs, height, width, kernel, stride: Int
  var pads: [Int]

  init(_ batch: Int, _ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int, kernel: Int = 3, stride: Int = 1, pads: [Int] = [1, 1, 1, 1]) {
    (self.batch, self.inputs, self.outputs, self.height, self.width) = (batch, inputs, outputs, height, width)
    (self.kernel, self.stride, self.pads) = (kernel, stride, pads)
  }

  var outHeight: Int { (height + pads[0] + pads[2] - kernel) / stride + 1 }
  var outWidth: Int { (width + pads[1] + pads[3] - kernel) / stride + 1 }
  var testDescription: String { "\(batch) × \(inputs) → \(outputs), \(height) × \(width), \(kernel) × \(kernel) by \(stride), pads \(pads)" }

  /// `graph` with this convolution, with a bias, of its output.
  func convolving(_ graph: Graph) -> Graph {
    var graph = graph
    graph.constants["w"] = .init(
      Tensor(randomFloats(outputs * inputs * kernel * kernel, seed: 7), shape: [outputs, inputs, kernel, kernel]), .parameter)
    graph.constants["b"] = .init(Tensor(randomFloats(outputs, seed: 8), shape: [outputs]), .parameter)
    let op = Convolution(window: Window(kernel: [kernel, kernel], strides: [stride, stride], pads: pads))
    graph.nodes.append(Node(name: "node", op: op, inputs: [graph.outputs[0], "w", "b"], outputs: ["y"]))
    graph.outputs = ["y"]
    return graph
  }
}

/// A kernel of two tensors, of which it makes a third, and the memory that it works in.
typealias GradientKernel = (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void

/// Expects kernels for both gradients of a convolution to compute its direct sums in float64 up to `tolerance`, the same bits for any number of threads and
/// whatever was in the memory before. Channels lie in blocks; in blocks of 1 a tensor is row-major.
func expectDirectSums(
  _ c: ConvolutionCase, inputBlock: Int, outputBlock: Int, tolerance: Float, scratchCount: Int, data: GradientKernel, weights: GradientKernel,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let x = BlockedPlanes(channels: c.inputs, height: c.height, width: c.width, block: inputBlock)
  let y = BlockedPlanes(channels: c.outputs, height: c.outHeight, width: c.outWidth, block: outputBlock)
  let inputs = randomFloats(c.batch * c.inputs * c.height * c.width, seed: 1)
  let upstream = randomFloats(c.batch * c.outputs * c.outHeight * c.outWidth, seed: 2)
  let filters = randomFloats(c.outputs * c.inputs * c.kernel * c.kernel, seed: 3)
  var dx = [Double](repeating: 0, count: inputs.count)
  var dw = [Double](repeating: 0, count: filters.count)
  let (places, taps) = (positions(c.outHeight, c.outWidth), positions(c.kernel, c.kernel))
  for n in 0..<c.batch {
    for k in 0..<c.outputs {
      for (i, j) in places {
        let g = Double(upstream[y.index(n, k, i, j)])
        for (r, s) in taps {
          let (row, column) = (i * c.stride + r - c.pads[0], j * c.stride + s - c.pads[1])
          guard 0..<c.height ~= row, 0..<c.width ~= column else { continue }
          for channel in 0..<c.inputs {
            let (at, tap) = (x.index(n, channel, row, column), (k * c.inputs + channel) * taps.count + r * c.kernel + s)
            dx[at] += g * Double(filters[tap])
            dw[tap] += g * Double(inputs[at])
          }
        }
      }
    }
  }
  let scratch = AlignedBuffer<Float>(count: scratchCount)
  expectSameForAnyThreads {
    var (foundData, foundWeights) = ([Float](repeating: .nan, count: dx.count), [Float](repeating: .nan, count: dw.count))
    scratch.elements.update(repeating: .nan)
    data(upstream, filters, &foundData, scratch.pointer)
    scratch.elements.update(repeating: .nan)
    weights(inputs, upstream, &foundWeights, scratch.pointer)
    expectClose(foundData, dx.map(Float.init), tolerance, "data", nil, sourceLocation)
    expectClose(foundWeights, dw.map(Float.init), tolerance, "weights", nil, sourceLocation)
    return foundData + foundWeights
  }
}

/// A tensor [N, C, H, W] and the order in which kernels want it.
struct BlockedPlanes {
  let channels, height, width, block: Int

  func index(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int { (((n * (channels / block) + c / block) * height + y) * width + x) * block + c % block }
}

private func positions(_ rows: Int, _ columns: Int) -> [(Int, Int)] { (0..<rows).flatMap { row in (0..<columns).map { (row, $0) } } }
