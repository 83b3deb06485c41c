import QATGraph
import QATTensor

/// Quantizers of activations.
extension Lowering {
  /// Adds a quantizer, and says how its output is stored.
  mutating func lowerActivationQuantizer(_ node: Node, _ quantizer: FakeQuantize) {
    guard let parameters = parameters(of: node) else { return append(node) }
    let output = node.outputs[0]
    if parameters[0].count == 1 {
      var single = node
      var op = quantizer
      op.channelAxis = nil
      single.op = op
      append(single)
      activations[output] = codes(of: quantizer.grid(parameters: parameters, at: 0), quantizer, for: node.inputs[0])
      return
    }
    do throws(FloatReason) {
      try unifyChannels(node, quantizer, parameters)
    } catch {
      codelessReasons[output] = error.text
      append(node)
    }
  }

  /// Storage of a quantizer's output.
  ///
  /// Behind a ReLU or a clip at zero the codes count from zero. A clip in front of the quantizer is a limit of the codes, since rounding is monotonic:
  /// rint(min(x, u) / s) = min(rint(x / s), rint(u / s)).
  func codes(of grid: FakeQuantize.Grid<Float>, _ quantizer: FakeQuantize, for input: TensorName) -> ActivationCodes {
    let zeroPoint = Int(grid.zeroPoint)
    var codes = ActivationCodes(scale: grid.step, zeroPoint: zeroPoint, range: 0...quantizer.levels - 1)
    let maker = producer(of: input)
    if let clip = maker?.as(Clip.self), clip.lower <= clip.upper {
      let lower = Int(grid.code(clip.lower)) + zeroPoint
      let upper = Int(grid.code(clip.upper)) + zeroPoint
      codes.range = lower...upper
      if clip.lower >= 0 { codes = codes.withoutNegatives }
    } else if maker?.op is Relu {
      codes = codes.withoutNegatives
    }
    return codes
  }

  /// Replaces a per-channel quantizer in front of depthwise convolutions by a per-tensor one.
  ///
  /// With r = scale[c] / (largest scale), quantizing x by scale[c] gives the codes of quantizing x / r by the largest scale. The division goes into the
  /// layer that makes x (its weight's scales and bias are divided, no code changes) or, where there is none, into a multiplication; a depthwise
  /// convolution takes r back in its weight's scale of the same channel.
  private mutating func unifyChannels(_ node: Node, _ quantizer: FakeQuantize, _ parameters: [[Float]]) throws(FloatReason) {
    let channels = parameters[0].count
    let readers = consumers[node.outputs[0]] ?? []
    let isDepthwise = readers.allSatisfy { use in
      let reader = source.nodes[use.node]
      return use.port == 0 && reader.as(Convolution.self)?.groups == channels && (try? operands(of: reader)) != nil
    }
    guard isDepthwise, !readers.isEmpty, !source.outputs.contains(node.outputs[0]), types[node.inputs[0]]?.rank == 4 else {
      throw FloatReason("its input is quantized per channel, integer kernels take that before depthwise convolutions with quantized weights alone")
    }
    let grids = (0..<channels).map { quantizer.grid(parameters: parameters, at: $0) }
    let codes = grids.map { self.codes(of: $0, quantizer, for: node.inputs[0]) }
    let zeroPoint = codes[0].zeroPoint
    guard codes.allSatisfy({ $0.zeroPoint == zeroPoint }), quantizer.mode != .asymmetric || zeroPoint == 0 else {
      throw FloatReason("its input is quantized asymmetrically per channel and can be negative, integer kernels take one zero-point")
    }
    let op = FakeQuantize(mode: quantizer.mode == .asymmetric ? .symmetric(signed: false) : quantizer.mode, bits: quantizer.bits)
    // Each channel keeps its upper bound; one whose highest codes lie beyond a clip or, tuned, below zero gets a finer grid.
    let last = op.levelHigh + zeroPoint
    let bounds = codes.map { Double($0.scale) * Double(max($0.range.upperBound - zeroPoint, 1)) }
    let adjusted = codes.count { $0.range.upperBound != last }
    if adjusted > 0 {
      note(
        node, "\(adjusted) of \(channels) channels never reach the highest code: their scales shrink, so that one range of codes serves all channels")
    }
    let largest = bounds.max() ?? 1
    let factors = bounds.map { $0 / largest }

    let input = divide(node.inputs[0], by: factors, before: node)
    let name = uniqueName("\(node.inputs[1])_unified")
    constants[name] = Graph.Constant(Tensor([Float(largest)], shape: [1]), .parameter)
    nodes.append(Node(name: node.name, op: op, inputs: [input, name], outputs: node.outputs))
    let first = codes.map(\.range.lowerBound).min() ?? 0
    activations[node.outputs[0]] = ActivationCodes(scale: op.grid(scale: Float(largest)).step, zeroPoint: zeroPoint, range: first...last)
    for use in readers {
      let reader = source.nodes[use.node]
      let outputs = types[reader.outputs[0]]?.dimensions[1].fixedSize ?? channels
      inputFactors[reader.name] = (0..<outputs).map { factors[$0 / (outputs / channels)] }
    }
  }

  /// Divides a tensor's channels, in the layer that makes it if there is one.
  /// - Returns: the divided tensor.
  private mutating func divide(_ tensor: TensorName, by factors: [Double], before node: Node) -> TensorName {
    // A positive factor passes ReLU and LeakyReLU; a clip's upper bound is the quantizer's by now, what remains of it is a ReLU.
    var current = tensor
    var clips: [String] = []
    while hasOneReader(current), layerIndices[current] == nil, let maker = producer(of: current) {
      if let clip = maker.as(Clip.self) {
        guard clip.lower == 0, current == tensor else { break }
        clips.append(maker.name)
      } else if !(maker.op is Relu || maker.op is LeakyRelu) {
        break
      }
      current = maker.inputs[0]
    }
    if hasOneReader(current), let index = layerIndices[current] {
      for (channel, factor) in factors.enumerated() {
        layers[index].scales[channel] /= factor
        layers[index].bias?[channel] /= factor
      }
      for clip in clips {
        if let index = nodes.firstIndex(where: { $0.name == clip }) { nodes[index].op = Relu() }
      }
      return tensor
    }
    let divided = uniqueName("\(tensor)_rescaled")
    let factor = uniqueName("\(node.name)_factor")
    constants[factor] = Graph.Constant(Tensor(factors.map { Float(1 / $0) }, shape: [1, factors.count, 1, 1]), .fixed)
    nodes.append(Node(name: uniqueName("\(node.name)_rescale"), op: Mul(), inputs: [tensor, factor], outputs: [divided]))
    return divided
  }
}
