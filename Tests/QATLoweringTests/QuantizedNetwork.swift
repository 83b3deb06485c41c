import QATEngine
import QATGraph
import QATTensor

/// Builds fake-quantized networks node by node, with seeded random weights and with scales calibrated on random images, so that tests of the lowering and
/// of exporters need nothing that decides where quantizers go.
struct QuantizedNetwork {
  private(set) var graph: Graph
  private var state: UInt64
  private let calibrationBatch = 4
  /// Whether weights use half the codes, as NNCF's overflow fix.
  var halfRange = true
  /// Whether quantizers are to have steps that are powers of two; who makes them gives such.
  var hasPowersOfTwo = false

  /// A network with an image input `image` of [batch, channels, height, width].
  init(channels: Int, size: Int, seed: UInt64 = 1) {
    graph = Graph(name: "net", inputs: [.init(name: "image", type: TensorType([.batch, .fixed(channels), .fixed(size), .fixed(size)]))])
    state = seed
  }

  /// The network that returns `outputs`.
  func returning(_ outputs: TensorName...) -> Graph {
    var result = graph
    result.outputs = outputs
    return result
  }

  /// Uniform numbers in −1...1, by SplitMix64.
  mutating func random(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var bits = state
      bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
      bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
      return Float((bits ^ (bits >> 31)) >> 40) / Float(1 << 23) - 1
    }
  }

  /// Images for the network's input.
  mutating func images(_ count: Int) -> NDArray<Float> {
    let shape = graph.inputs[0].type.shape(batchSize: count)
    return NDArray(random(shape.elementCount), shape: shape)
  }

  mutating func parameter(_ name: TensorName, _ values: [Float], _ shape: [Int], _ role: Graph.Constant.Role = .parameter) -> TensorName {
    graph.constants[name] = Graph.Constant(Tensor(values, shape: shape), role)
    return name
  }

  @discardableResult
  mutating func node(_ name: String, _ op: any Operator, _ inputs: TensorName...) -> TensorName {
    graph.nodes.append(Node(name: name, op: op, inputs: inputs, outputs: ["\(name)_out"]))
    return "\(name)_out"
  }

  func type(_ tensor: TensorName) throws -> TensorType { try graph.tensorTypes()[tensor] ?? TensorType([]) }

  private func channels(_ tensor: TensorName) throws -> Int { try type(tensor).dimensions[1].fixedSize ?? 0 }

  /// A weight quantizer, one scale an output channel.
  mutating func quantizedWeight(_ name: String, _ shape: [Int], axis: Int = 0) -> TensorName {
    let inner = shape[(axis + 1)...].elementCount
    let fanIn = Float(shape.elementCount / shape[axis])
    let values = random(shape.elementCount).map { $0 * (3 / fanIn).squareRoot() }
    var scales = [Float](repeating: 1e-3, count: shape[axis])
    for (index, value) in values.enumerated() { scales[index / inner % shape[axis]] = max(scales[index / inner % shape[axis]], abs(value)) }
    let weight = parameter("\(name).weight", values, shape)
    let scale = parameter("\(name)|WEIGHT.scale", scales, [shape[axis]])
    let quantizer = FakeQuantize(mode: .symmetric(signed: true), narrowRange: !halfRange, halfRange: halfRange, channelAxis: axis)
    return node("\(name)|WEIGHT", quantizer, weight, scale)
  }

  /// A convolution with a quantized weight, padded to keep the size at stride 1.
  mutating func convolution(
    _ name: String, _ input: TensorName, outputs: Int, kernel: Int = 3, stride: Int = 1, groups: Int = 1, bias: Bool = false
  ) throws -> TensorName {
    let weight = quantizedWeight(name, [outputs, try channels(input) / groups, kernel, kernel])
    let op = Convolution(window: Window(square: kernel, stride: stride, pad: kernel / 2), groups: groups)
    guard bias else { return node(name, op, input, weight) }
    return node(name, op, input, weight, parameter("\(name).bias", random(outputs), [outputs]))
  }

  /// Batch norm with random statistics; `gamma` replaces the first gammas.
  mutating func batchNorm(_ name: String, _ input: TensorName, gamma: [Float] = []) throws -> TensorName {
    let count = try channels(input)
    let gammas = gamma + random(count).map { 1 + 0.5 * $0 }.dropFirst(gamma.count)
    return node(
      name, BatchNormalization(), input, parameter("\(name).weight", gammas, [count]),
      parameter("\(name).bias", random(count).map { $0 * 0.3 }, [count]),
      parameter("\(name).running_mean", random(count).map { $0 * 0.1 }, [count], .statistic),
      parameter("\(name).running_var", random(count).map { 0.6 + 0.4 * $0 }, [count], .statistic))
  }

  /// A linear layer with bias, weight [outputs, inputs].
  mutating func linear(_ name: String, _ input: TensorName, outputs: Int) throws -> TensorName {
    let weight = quantizedWeight(name, [outputs, try channels(input)])
    return node(name, Gemm(transposesB: true), input, weight, parameter("\(name).bias", random(outputs), [outputs]))
  }

  /// The values of tensors on images.
  func values(_ images: NDArray<Float>) throws -> [TensorName: NDArray<Float>] {
    var executor = try ReferenceExecutor<Float>(returning(graph.nodes.last?.outputs[0] ?? "image"), batchSize: images.shape[0])
    return try executor.forward(["image": images], mode: .evaluation)
  }

  /// Lets the quantizer that makes `tensor` read another scale.
  mutating func replaceScale(of tensor: TensorName, by scale: TensorName) {
    guard let index = graph.nodes.firstIndex(where: { $0.outputs == [tensor] }) else { return }
    graph.constants[graph.nodes[index].inputs[1]] = nil
    graph.nodes[index].inputs[1] = scale
  }

  /// An activation quantizer calibrated on random images: unsigned where nothing is negative, unless `mode` says otherwise.
  mutating func quantize(
    _ input: TensorName, mode: FakeQuantize.Mode? = nil, bits: Int = 8, perChannel: Bool = false, shrink: Float = 0.9
  ) throws -> TensorName {
    var generator = self
    let images = generator.images(calibrationBatch)
    // The generator is a copy: calibration takes no numbers from the weights.
    let array = graph.nodes.isEmpty ? images : try values(images)[input] ?? images
    let count = perChannel ? array.shape[1] : 1
    let inner = array.shape.dropFirst(2).elementCount
    var low = [Float](repeating: 0, count: count)
    var high = [Float](repeating: 1e-2, count: count)
    for (index, value) in array.elements.enumerated() {
      let channel = perChannel ? index / inner % count : 0
      low[channel] = min(low[channel], value * shrink)
      high[channel] = max(high[channel], value * shrink)
    }
    let mode = mode ?? .symmetric(signed: low.contains { $0 < 0 })
    let quantizer = FakeQuantize(mode: mode, bits: bits, channelAxis: perChannel ? 1 : nil)
    let id = "\(input)|OUTPUT"
    if mode == .asymmetric {
      return node(
        id, quantizer, input, parameter("\(id).input_low", low, [count]), parameter("\(id).input_range", zip(high, low).map { $0 - $1 }, [count]))
    }
    return node(id, quantizer, input, parameter("\(id).scale", zip(low, high).map { max(-$0, $1) }, [count]))
  }
}

extension ArraySlice<Int> {
  var elementCount: Int { reduce(1, *) }
}
