import QATGraph
import QATTensor

/// A layer as integers before the last rounding: codes are final but for overflow, scales and biases are exact to double precision.
struct PendingLayer {
  var name: String
  var op: any Operator
  var input: TensorName
  var output: TensorName
  var weight: IntegerWeight
  /// One an output channel.
  var scales: [Double]
  /// One an output channel.
  var bias: [Double]?
  var weightName: TensorName
  var biasName: TensorName?
}

/// Codes of a weight and the step of each output channel.
struct IntegerWeight {
  var source: TensorName
  var shape: [Int]
  var channelAxis: Int
  var bits: Int
  var codes: [Int8]
  /// One an output channel.
  var steps: [Double]

  var channelCount: Int { shape[channelAxis] }

  /// The runs of codes that belong to a channel.
  private func ranges(ofChannel channel: Int) -> [Range<Int>] {
    let inner = shape[(channelAxis + 1)...].reduce(1, *)
    let stride = inner * channelCount
    return Swift.stride(from: channel * inner, to: codes.count, by: Swift.max(stride, 1)).map { $0..<$0 + inner }
  }

  /// Replaces every code of a channel.
  mutating func mapCodes(ofChannel channel: Int, _ transform: (Int) -> Int) {
    for range in ranges(ofChannel: channel) {
      for index in range { codes[index] = Int8(clamping: transform(Int(codes[index]))) }
    }
  }

  /// Whether a channel holds a code.
  func hasCode(_ code: Int8, inChannel channel: Int) -> Bool { ranges(ofChannel: channel).contains { codes[$0].contains(code) } }
}

/// Convolutions and linear layers.
extension Lowering {
  /// Adds a convolution or linear layer, with integers if its input and weight are quantized.
  mutating func lowerProduct(_ node: Node) {
    if node.op is MatMul, node.inputs.allSatisfy({ activations[$0] != nil }) { return append(node) }
    do throws(FloatReason) {
      let operands = try operands(of: node)
      guard activations[node.inputs[0]] != nil else {
        throw FloatReason(codelessReasons[node.inputs[0]] ?? "its input '\(node.inputs[0])' is not quantized")
      }
      add(node, operands)
    } catch {
      floatReasons[node.name] = error.text
      append(node)
    }
  }

  /// A layer's weight as integers and its bias, both as trained.
  struct Operands {
    var weight: IntegerWeight
    /// One an output channel; nil without a bias.
    var bias: [Double]?
  }

  /// The integers of a layer, whatever its input is.
  /// - Throws: `FloatReason` when the weight is not quantized or not in a way that integer kernels know.
  func operands(of node: Node) throws(FloatReason) -> Operands {
    guard let quantizerNode = producer(of: node.inputs[1]), let quantizer = quantizerNode.as(FakeQuantize.self),
      let tensor = source.tensor(quantizerNode.inputs[0]), let values = tensor.floats, let parameters = parameters(of: quantizerNode)
    else {
      throw FloatReason(source.tensor(node.inputs[1]) == nil ? "its second operand is not a quantized constant" : "its weight is not quantized")
    }
    let axis = node.weightChannelAxis(rank: tensor.shape.count)
    if let groups = node.as(ConvolutionTranspose.self)?.groups, groups > 1 {
      throw FloatReason("each scale of its weight serves an output channel of all \(groups) groups, integer kernels take one for each output channel")
    }
    if node.as(Gemm.self)?.transposesA == true { throw FloatReason("it transposes its input") }
    if node.op is MatMul, tensor.shape.count != 2 { throw FloatReason("its weight has \(tensor.shape.count) dimensions, integer kernels take 2") }
    if let channelAxis = quantizer.channelAxis, (channelAxis + tensor.shape.count) % tensor.shape.count != axis, parameters[0].count > 1 {
      throw FloatReason(
        "its weight has a scale for each index of axis \(channelAxis), integer kernels take one for each output channel (axis \(axis))")
    }
    guard quantizer.mode != .asymmetric, quantizer.levelHigh <= 127 else {
      throw FloatReason(
        "its weight is quantized \(quantizer.mode == .asymmetric ? "asymmetrically" : "without sign"), integer kernels take signed symmetric weights")
    }
    let grids = parameters[0].indices.map { quantizer.grid(parameters: parameters, at: $0) }
    let channels = tensor.shape[axis]
    let codes = quantizer.codes(of: values, shape: tensor.shape, grids).map { Int8($0) }
    let weight = IntegerWeight(
      source: quantizerNode.inputs[0], shape: tensor.shape, channelAxis: axis, bits: quantizer.bits, codes: codes,
      steps: (0..<channels).map { Double(grids[$0 % grids.count].step) })
    return Operands(weight: weight, bias: try bias(of: node, channels: channels))
  }

  private func bias(of node: Node, channels: Int) throws(FloatReason) -> [Double]? {
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return nil }
    guard let tensor = source.tensor(node.inputs[2]), let values = tensor.floats else {
      throw FloatReason("its bias '\(node.inputs[2])' is not a constant")
    }
    guard values.count == 1 || (values.count == channels && tensor.shape.last == channels) else {
      throw FloatReason("its bias has the shape \(tensor.shape), integer kernels take one value for each of the \(channels) output channels")
    }
    let factor = Double(node.as(Gemm.self)?.beta ?? 1)
    return (0..<channels).map { Double(values[$0 % values.count]) * factor }
  }

  /// Adds an integer layer: y = factor · (W x) + bias for each output channel, where the factor holds Gemm's alpha, the batch norm behind the layer and
  /// what a quantizer in front of it left; its magnitude goes into the scale and its sign into the codes.
  private mutating func add(_ node: Node, _ operands: Operands) {
    var weight = operands.weight
    var bias = operands.bias
    var factors = [Double](repeating: Double(node.as(Gemm.self)?.alpha ?? 1), count: weight.channelCount)
    var output = node.outputs[0]
    if let norm = source.normalization(behind: node, types, consumers) {
      foldedNormalizations.insert(norm.node.name)
      output = norm.node.outputs[0]
      bias = norm.bias(behind: bias)
      for channel in factors.indices { factors[channel] *= norm.factors[channel] }
    }
    var scales = weight.steps
    if let inputFactors = inputFactors[node.name] { for channel in scales.indices { scales[channel] *= inputFactors[channel] } }
    for (channel, factor) in factors.enumerated() {
      if factor == 0 {
        // Nothing passes: the scale keeps its size, since it must be positive, and the channel is its bias.
        weight.mapCodes(ofChannel: channel) { _ in 0 }
        continue
      }
      scales[channel] *= abs(factor)
      guard factor < 0 else { continue }
      if weight.hasCode(-128, inChannel: channel) {
        note(node, "channel \(channel) has a negative factor and the weight code −128, whose opposite 128 does not fit a byte: it becomes 127")
      }
      weight.mapCodes(ofChannel: channel) { -$0 }
    }
    // A constant that others read too stays as it is for them.
    let isOnlyReader = hasOneReader(weight.source) && constants[weight.source] == nil
    let weightName = isOnlyReader ? weight.source : uniqueName(weight.source)
    constants[weightName] = Graph.Constant(Tensor(repeating: 0, shape: weight.shape), .parameter)
    let biasName = bias == nil ? nil : newBiasName(of: node)
    // A matrix product with a bias is a Gemm.
    var op = node.op
    if op is MatMul, bias != nil { op = Gemm() }
    if let gemm = op as? Gemm { op = Gemm(transposesB: gemm.transposesB) }
    layerIndices[output] = layers.count
    layers.append(
      PendingLayer(
        name: node.name, op: op, input: node.inputs[0], output: output, weight: weight, scales: scales, bias: bias, weightName: weightName,
        biasName: biasName))
    nodes.append(Node(name: node.name, op: op, inputs: [node.inputs[0], weightName] + (biasName.map { [$0] } ?? []), outputs: [output]))
  }

  /// The bias keeps its name; a new one is called after the weight.
  private mutating func newBiasName(of node: Node) -> TensorName {
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      let name = hasOneReader(node.inputs[2]) ? node.inputs[2] : uniqueName(node.inputs[2])
      constants[name] = Graph.Constant(Tensor(repeating: 0, shape: []), .parameter)
      return name
    }
    return uniqueName(node.biasName(besideWeight: producer(of: node.inputs[1])?.inputs[0] ?? node.name))
  }
}
