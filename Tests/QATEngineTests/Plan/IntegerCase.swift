import QATGraph
import QATTensor

/// A convolution between quantizers.
struct IntegerCase: IntegerLayer {
  var name: String
  var channels = (inputs: 16, outputs: 16)
  var groups = 1
  var size = [9, 11]
  var window = Window(kernel: [3, 3], pads: [1, 1, 1, 1])
  var activation = FakeQuantize(mode: .symmetric(signed: false))
  var weight = FakeQuantize(mode: .symmetric(signed: true), halfRange: true, channelAxis: 0)
  var hasBias = false
  var excess: Float = 1

  var inputShape: [Int] { [channels.inputs] + size }
  var weightShape: [Int] { [channels.outputs, channels.inputs / groups] + window.kernel }
  var outputAxis: Int { 0 }

  var graph: Graph {
    var graph = operands
    graph.nodes.append(
      Node(name: "layer", op: Convolution(window: window, groups: groups), inputs: ["xq", "wq"] + (hasBias ? ["b"] : []), outputs: ["y"]))
    return graph
  }

  func expected(_ x: [Float], batch: Int) throws -> [Float] {
    let codes = try codes(x)
    let extent = (0..<2).map { axis in
      let reach: Int = (window.kernel[axis] - 1) * window.dilations[axis] + 1
      return (size[axis] + window.pads[axis] + window.pads[axis + 2] - reach) / window.strides[axis] + 1
    }
    var result: [Float] = []
    for n in 0..<batch {
      for o in 0..<channels.outputs {
        for row in 0..<extent[0] {
          for column in 0..<extent[1] { result.append(Float(sum(codes, n, o, row, column)) * codes.scales[o] + codes.bias[o]) }
        }
      }
    }
    return result
  }

  /// One output's sum of products; padding counts nothing.
  private func sum(_ codes: LayerCodes, _ n: Int, _ o: Int, _ row: Int, _ column: Int) -> Int {
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
