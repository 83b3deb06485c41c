import QATEngine
import QATGraph
import QATTensor
import Testing

/// A convolution between quantizers, and what plain integer arithmetic makes of it.
struct IntegerCase: Sendable, CustomTestStringConvertible {
  var name: String
  var channels = (inputs: 16, outputs: 16)
  var groups = 1
  var size = [9, 11]
  var window = Window(kernel: [3, 3], pads: [1, 1, 1, 1])
  var activation = FakeQuantize(mode: .symmetric(signed: false))
  var weight = FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0)
  var hasBias = false
  /// How far the weights reach beyond their grids: 1 leaves them inside, more makes most codes extreme.
  var excess: Float = 1
  var testDescription: String { name }

  /// x → quantizer → convolution with a quantized weight.
  var graph: Graph {
    var graph = Graph(name: name, outputs: ["y"])
    graph.inputs = [.init(name: "x", type: TensorType([.batch] + ([channels.inputs] + size).map(Dimension.fixed)))]
    let weightShape = [channels.outputs, channels.inputs / groups] + window.kernel
    graph.constants["w"] = .init(Tensor(randomFloats(weightShape.elementCount, seed: 7).map { $0 * 0.4 * excess }, shape: weightShape), .parameter)
    let scales = weight.channelAxis == nil ? 1 : channels.outputs
    graph.constants["w.scale"] = .init(Tensor(randomFloats(scales, seed: 8).map { 0.5 + abs($0) * 0.1 }, shape: [scales]), .parameter)
    var parameters = ["x.scale"]
    if activation.mode == .asymmetric {
      parameters = ["x.low", "x.range"]
      graph.constants["x.low"] = .init(Tensor([-0.43], shape: [1]), .parameter)
      graph.constants["x.range"] = .init(Tensor([1.61], shape: [1]), .parameter)
    } else {
      graph.constants["x.scale"] = .init(Tensor([1.23], shape: [1]), .parameter)
    }
    graph.nodes = [
      Node(name: "x|FQ", op: activation, inputs: ["x"] + parameters, outputs: ["xq"]),
      Node(name: "w|FQ", op: weight, inputs: ["w", "w.scale"], outputs: ["wq"]),
    ]
    if hasBias { graph.constants["b"] = .init(Tensor(randomFloats(channels.outputs, seed: 9), shape: [channels.outputs]), .parameter) }
    graph.nodes.append(
      Node(name: "conv", op: Convolution(window: window, groups: groups), inputs: ["xq", "wq"] + (hasBias ? ["b"] : []), outputs: ["y"]))
    return graph
  }

  /// The output for row-major `x`, [batch, inputs, H, W]: sums of products of whole numbers, brought to scale in two roundings.
  func expected(_ x: [Float], batch: Int) throws -> [Float] {
    let graph = graph
    func floats(_ name: String) throws -> [Float] { try #require(graph.tensor(name)?.floats.map { Array($0) }) }
    let gridX: FakeQuantize.Grid<Float> =
      activation.mode == .asymmetric
      ? activation.grid(inputLow: try floats("x.low")[0], inputRange: try floats("x.range")[0]) : activation.grid(scale: try floats("x.scale")[0])
    let gridsW: [FakeQuantize.Grid<Float>] = try floats("w.scale").map { weight.grid(scale: $0) }
    let weights = try floats("w")
    let taps = channels.inputs / groups * window.kernel.elementCount
    var codesW = weights.enumerated().map { gridsW[gridsW.count == 1 ? 0 : $0.offset / taps].code($0.element) }
    weight.pairing?.limit(&codesW, shape: [channels.outputs, channels.inputs / groups] + window.kernel)
    let codes = IntegerCodes(input: x.map { Int(gridX.code($0)) }, weights: codesW.map { Int($0) })
    let bias = hasBias ? try floats("b") : Array(repeating: 0, count: channels.outputs)
    let extent = (0..<2).map { axis in
      let reach: Int = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      return (size[axis] + window.pads[axis] + window.pads[axis + 2] - reach) / window.strides[axis] + 1
    }
    var result: [Float] = []
    for n in 0..<batch {
      for o in 0..<channels.outputs {
        let scale = gridX.step * gridsW[gridsW.count == 1 ? 0 : o].step
        for row in 0..<extent[0] {
          for column in 0..<extent[1] { result.append(Float(sum(codes, n, o, row, column)) * scale + bias[o]) }
        }
      }
    }
    return result
  }

  private struct IntegerCodes {
    var input, weights: [Int]
  }

  /// One output's sum of products; padding counts nothing.
  private func sum(_ codes: IntegerCodes, _ n: Int, _ o: Int, _ row: Int, _ column: Int) -> Int {
    let inner = channels.inputs / groups
    let firstChannel = n * channels.inputs + o / (channels.outputs / groups) * inner
    var sum = 0
    for i in 0..<window.kernel[0] {
      let h: Int = row * window.strides[0] - window.pads[0] + i * window.dilations[0]
      for j in 0..<window.kernel[1] {
        let w: Int = column * window.strides[1] - window.pads[1] + j * window.dilations[1]
        guard (0..<size[0]).contains(h), (0..<size[1]).contains(w) else { continue }
        for c in 0..<inner {
          let place: Int = ((firstChannel + c) * size[0] + h) * size[1] + w
          let weight: Int = ((o * inner + c) * window.kernel[0] + i) * window.kernel[1] + j
          sum += codes.input[place] * codes.weights[weight]
        }
      }
    }
    return sum
  }

  /// Each layer kind, each kind of grid, each width.
  static let all: [IntegerCase] =
    [
      IntegerCase(name: "3×3"),
      IntegerCase(name: "3×3 with bias", hasBias: true),
      IntegerCase(name: "5×5, odd channels", channels: (5, 7), window: Window(kernel: [5, 5], pads: [2, 2, 2, 2])),
      IntegerCase(name: "an image", channels: (3, 16), size: [20, 20], window: Window(kernel: [7, 7], strides: [2, 2], pads: [3, 3, 3, 3])),
      IntegerCase(name: "1×1", channels: (160, 64), window: Window(kernel: [1, 1])),
      IntegerCase(name: "1×1, stride 2", channels: (256, 256), window: Window(kernel: [1, 1], strides: [2, 2])),
      IntegerCase(name: "stride 2", channels: (16, 32), window: Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1])),
      IntegerCase(
        name: "strides, pads and dilations apart", window: Window(kernel: [3, 5], strides: [1, 2], pads: [2, 0, 1, 3], dilations: [2, 1])),
      IntegerCase(name: "two groups", channels: (32, 32), groups: 2),
      IntegerCase(name: "three groups", channels: (36, 24), groups: 3),
      IntegerCase(name: "signed input", activation: FakeQuantize(mode: .symmetric(signed: true))),
      IntegerCase(name: "extreme weights of half range", excess: 20),
      IntegerCase(name: "asymmetric input", activation: FakeQuantize(mode: .asymmetric), hasBias: true),
      IntegerCase(name: "asymmetric input, groups", channels: (36, 24), groups: 3, activation: FakeQuantize(mode: .asymmetric)),
      IntegerCase(name: "one grid for the weight", weight: FakeQuantize(mode: .symmetric(signed: true), halfRange: true)),
      IntegerCase(name: "narrow weights", weight: FakeQuantize(mode: .symmetric(signed: true), narrowRange: true, halfRange: true, channelAxis: 0)),
    ]
    + [((16, 16), 1), ((5, 24), 1), ((36, 24), 3)].map { channels, groups in
      let pairing = WeightPairing(inputAxis: 1, outputAxis: 0)
      return IntegerCase(
        name: "extreme weights in pairs, \(channels.0) channels, \(groups) groups", channels: channels, groups: groups,
        window: Window(kernel: [5, 5], pads: [2, 2, 2, 2]), weight: FakeQuantize(mode: .symmetric(signed: true), pairing: pairing, channelAxis: 0),
        excess: 20)
    }
    + (2...7).flatMap { bits in
      [FakeQuantize.Mode.symmetric(signed: false), .symmetric(signed: true), .asymmetric].map { mode in
        IntegerCase(
          name: "\(bits) bits, \(mode)", channels: (17, 19), activation: FakeQuantize(mode: mode, bits: bits),
          weight: FakeQuantize(mode: .symmetric(signed: true), bits: min(bits + 1, 7), channelAxis: 0))
      }
    }
}
