import QATGraph
import QATLowering
import QATTensor

/// Writes a lowered network node by node, with a QuantizeLinear where values become bytes and a DequantizeLinear for every reader of them, or with OpenVINO's FakeQuantize.
///
/// One DequantizeLinear a reader is what pattern matchers of runtimes expect. QuantizeLinear and DequantizeLinear have no names of their own and share
/// equal scales and zero-points, since in small networks names weigh as much as weights.
struct QuantizedGraphWriter {
  var builder: ONNXModelBuilder
  private let lowered: LoweredGraph
  private let graph: Graph
  private let consumers: [TensorName: [Graph.Use]]
  private let producers: [TensorName: Int]
  /// The tensor of bytes behind each quantized tensor, by the network's name.
  private var bytes: [TensorName: TensorName] = [:]
  /// Quantizers that are not written yet, by the tensor that they make.
  private var waiting: [TensorName: Node] = [:]
  /// Tensors that the file has under another name.
  private var replacements: [TensorName: TensorName] = [:]
  /// Ranks of the network's tensors.
  private let ranks: [TensorName: Int]
  /// Scales and zero-points written so far.
  private var shared: [Tensor: TensorName] = [:]

  /// Names of the quantizers whose rounding the runtime would leave out.
  private let guarded: Set<String>
  /// Whether another runtime, too, is to compute what stands before them on integers.
  private let isPortable: Bool

  /// How quantizers of activations are written.
  private let quantizers: ONNXQuantizers
  /// Weights that are written two a byte.
  private let packed: Set<TensorName>

  init(_ lowered: LoweredGraph, target: Runtime, quantizers: ONNXQuantizers = .linear, weights: ONNXWeights = .bytes) {
    self.lowered = lowered
    self.quantizers = quantizers
    packed = weights == .packed ? Set(lowered.weights.filter(\.value.fitsFourBits).keys) : []
    isPortable = target == .portable
    guarded = target == .openVINO || isPortable ? Set(lowered.residualBranches.map(\.quantizer.name)) : []
    graph = lowered.simulation
    ranks = ((try? graph.tensorTypes()) ?? [:]).mapValues(\.rank)
    consumers = graph.consumers
    producers = graph.producers
    // What quantizers make has no name of its own in the file, unless the network returns it.
    let hidden = quantizers == .linear ? Set(graph.nodes.filter { $0.op is FakeQuantize }.flatMap(\.outputs)).subtracting(graph.outputs) : []
    let opset = ONNXModelBuilder.opset(for: graph)
    builder = ONNXModelBuilder(graph, opset: packed.isEmpty ? opset : max(opset, Self.packingOpset), hidden: hidden)
  }

  /// The first opset with integers of four bits.
  private static let packingOpset = 21

  /// Adds a node.
  mutating func write(_ node: Node) throws(ONNXError) {
    let output = node.outputs[0]
    if let quantizer = node.as(FakeQuantize.self) { return try writeQuantizer(node, quantizer) }
    var written = node
    // Bytes are limited as codes, floats in front of a FakeQuantize by the Clip itself.
    if quantizers == .linear, let clip = node.as(Clip.self), let codes = codesOfOnlyReader(of: output) {
      // The limits are those of the codes. A ReLU shows what remains; runtimes leave it out because no code stands below zero.
      if clip.lower == 0, codes.zeroPoint == 0, !(producer(of: node.inputs[0])?.op is Relu) {
        written.op = Relu()
      } else if clip.lower < 0 || (clip.lower == 0 && codes.zeroPoint == 0) {
        replacements[output] = read(node.inputs[0])
        return
      }
    }
    written.inputs = node.inputs.map { read($0) }
    try builder.append(written)
    // A tensor whose values were only moved stays on its grid: between equal scales runtimes move bytes.
    if quantizers == .linear, let codes = lowered.activations[output], consumers[output] != nil {
      bytes[output] = quantize(output, codes, as: output)
    }
  }

  private func producer(of tensor: TensorName) -> Node? { producers[tensor].map { graph.nodes[$0] } }

  /// The storage of the one quantizer that reads `tensor`; nil when others read it too.
  private func codesOfOnlyReader(of tensor: TensorName) -> ActivationCodes? {
    guard let uses = consumers[tensor], uses.count == 1, !graph.outputs.contains(tensor) else { return nil }
    let reader = graph.nodes[uses[0].node]
    return reader.op is FakeQuantize ? lowered.activations[reader.outputs[0]] : nil
  }

  /// The name under which a node of the file reads `tensor`; adds the constant, or a DequantizeLinear for this reader.
  private mutating func read(_ tensor: TensorName) -> TensorName {
    if tensor.isEmpty { return "" }
    if let weight = lowered.weights[tensor] { return dequantized(tensor, weight) }
    if let bias = lowered.biases[tensor] { return dequantized(tensor, bias) }
    if let constant = graph.tensor(tensor) {
      builder.initializer(tensor, constant)
      return tensor
    }
    if let quantized = bytes(of: tensor), let codes = lowered.activations[tensor] {
      return dequantized(quantized, codes, as: builder.uniqueName(stem(of: quantized) + "_d"))
    }
    return replacements[tensor] ?? tensor
  }

  private func stem(of quantized: TensorName) -> String { quantized.hasSuffix("_q") ? String(quantized.dropLast(2)) : quantized }

  // MARK: Activations

  private mutating func writeQuantizer(_ node: Node, _ quantizer: FakeQuantize) throws(ONNXError) {
    let output = node.outputs[0]
    if quantizers == .openVINO { return try writeFakeQuantize(node, quantizer) }
    guard let codes = lowered.activations[output] else { return try writePerChannelQuantizer(node, quantizer) }
    waiting[output] = node
    // An output of the network keeps its name.
    if graph.outputs.contains(output), let quantized = bytes(of: output) { _ = dequantized(quantized, codes, as: output) }
  }

  /// The tensor of bytes behind a quantized tensor; nil when there is none. A quantizer is written when its bytes are first read, where importers find it again.
  private mutating func bytes(of tensor: TensorName) -> TensorName? {
    guard let node = waiting.removeValue(forKey: tensor), let codes = lowered.activations[tensor] else { return bytes[tensor] }
    let input = node.inputs[0]
    if let same = bytes(of: input), lowered.activations[input] == codes {
      bytes[tensor] = same
    } else {
      let limits = codes.usesWholeByte ? nil : codes.range
      let stem = replacements[input] ?? input
      let quantized = quantize(guardedSource(of: node), codes, as: stem, limits: limits)
      bytes[tensor] = guarded.contains(node.name) && isPortable ? maximum(of: quantized, codes, as: stem, rank: rank(of: input)) : quantized
    }
    return bytes[tensor]
  }

  /// What a quantizer reads, behind an activation of slope 1 where the runtime would leave out the rounding.
  private mutating func guardedSource(of node: Node) -> TensorName {
    let input = node.inputs[0]
    guard guarded.contains(node.name), !isPortable else { return read(input) }
    let source = builder.uniqueName(input + "_r")
    builder.node("LeakyRelu", name: "", inputs: [read(input)], outputs: [source], attributes: [.float("alpha", 1)])
    return source
  }

  /// Adds a maximum over one element of quantized values: bytes for ONNX Runtime, and for OpenVINO the end of what it computes as one layer.
  private mutating func maximum(of bytes: TensorName, _ codes: ActivationCodes, as stem: TensorName, rank: Int) -> TensorName {
    let source = dequantized(bytes, codes, as: builder.uniqueName(stem + "_d"))
    let result = builder.uniqueName(stem + "_r")
    builder.node(
      "MaxPool", name: "", inputs: [source], outputs: [result], attributes: [.ints("kernel_shape", [Int](repeating: 1, count: rank - 2))])
    return quantize(result, codes, as: stem)
  }

  /// Adds OpenVINO's operator: 256 levels between the bounds that scale and zero-point stand for, fewer codes behind a Clip; a quantizer without codes with its own levels.
  private mutating func writeFakeQuantize(_ node: Node, _ quantizer: FakeQuantize) throws(ONNXError) {
    var source = guardedSource(of: node)
    var stem = node.inputs[0]
    var bounds: [Tensor]
    var levels = 256
    if let codes = lowered.activations[node.outputs[0]] {
      func value(_ code: Int) -> Float { Float(code - codes.zeroPoint) * codes.scale }
      if !codes.usesWholeByte, !isClipped(stem, to: codes) {
        let limited = builder.uniqueName(stem + "_l")
        let limits = Clip(lower: value(codes.range.lowerBound), upper: value(codes.range.upperBound))
        try builder.append(Node(name: builder.uniqueName(stem + "/limits"), op: limits, inputs: [source], outputs: [limited]))
        (source, stem) = (limited, limited)
      }
      bounds = [value(0), value(255)].map { Tensor([$0], shape: []) }
    } else {
      let grids = try self.grids(of: node, quantizer)
      levels = quantizer.levels
      var shape = [Int](repeating: 1, count: rank(of: stem))
      if let axis = quantizer.channelAxis { shape[(axis + shape.count) % shape.count] = grids.count }
      let last = Float(levels - 1)
      bounds = [Tensor(grids.map { -$0.zeroPoint * $0.step }, shape: shape), Tensor(grids.map { (last - $0.zeroPoint) * $0.step }, shape: shape)]
    }
    let names = bounds.map { initializer($0, stem + "_b") }
    builder.node(
      "FakeQuantize", name: "", inputs: [source] + names + names, outputs: node.outputs, attributes: [.int("levels", levels)],
      domain: ONNXFile.openVINODomain)
  }

  /// Whether a Clip of the network leaves no other codes than those in use.
  private func isClipped(_ tensor: TensorName, to codes: ActivationCodes) -> Bool {
    guard let clip = producer(of: tensor)?.as(Clip.self) else { return false }
    let whole = ActivationCodes(scale: codes.scale, zeroPoint: codes.zeroPoint)
    return whole.code(clip.lower) >= codes.range.lowerBound && whole.code(clip.upper) <= codes.range.upperBound
  }

  private func rank(of tensor: TensorName) -> Int { ranks[tensor] ?? 0 }

  /// Adds a QuantizeLinear, and a Clip of bytes when not all codes are in use.
  /// - Returns: the tensor of bytes.
  private mutating func quantize(_ source: TensorName, _ codes: ActivationCodes, as stem: String, limits: ClosedRange<Int>? = nil) -> TensorName {
    let name = builder.uniqueName(stem + (limits == nil ? "_q" : "_u"))
    let inputs = [source, scale(codes.scale, stem), zeroPoint(codes.zeroPoint)]
    builder.node("QuantizeLinear", name: "", inputs: inputs, outputs: [name])
    return limits.map { limited(name, $0, as: stem) } ?? name
  }

  /// Adds a Clip of bytes.
  private mutating func limited(_ bytes: TensorName, _ limits: ClosedRange<Int>, as stem: String) -> TensorName {
    let name = builder.uniqueName(stem + "_q")
    builder.node("Clip", name: "", inputs: [bytes, zeroPoint(limits.lowerBound), zeroPoint(limits.upperBound)], outputs: [name])
    return name
  }

  private mutating func dequantized(_ quantized: TensorName, _ codes: ActivationCodes, as name: TensorName) -> TensorName {
    let inputs = [quantized, scale(codes.scale, stem(of: quantized)), zeroPoint(codes.zeroPoint)]
    builder.node("DequantizeLinear", name: "", inputs: inputs, outputs: [name])
    return name
  }

  /// A quantizer with a scale a channel that no layer could take up: the pair says the same, and runtimes compute it in floating point.
  ///
  /// ONNX Runtime would merge the pair into integer kernels of its neighbours, which take one scale and fail. Two Clips that never act keep it apart.
  private mutating func writePerChannelQuantizer(_ node: Node, _ quantizer: FakeQuantize) throws(ONNXError) {
    let stem = node.inputs[0]
    let grids = try self.grids(of: node, quantizer)
    let axis = quantizer.channelAxis ?? 1
    let shape = [grids.count]
    let scales = initializer(Tensor(grids.map(\.step), shape: shape), stem + "_s")
    let zeros = initializer(Tensor(shape: shape, elements: .uint8(grids.map { UInt8($0.zeroPoint) })), "z")
    // A step beyond the grids.
    let bounds = [grids.map { $0.low - $0.step }.min() ?? 0, grids.map { $0.high + $0.step }.max() ?? 0].map {
      initializer(Tensor([$0], shape: []), stem + "_b")
    }
    let attributes = [ONNXAttributeProto.int("axis", axis)]
    let bounded = builder.uniqueName(stem + "_c")
    let quantized = builder.uniqueName(stem + (quantizer.levels == 256 ? "_q" : "_u"))
    builder.node("Clip", name: "", inputs: [read(stem)] + bounds, outputs: [bounded])
    builder.node("QuantizeLinear", name: "", inputs: [bounded, scales, zeros], outputs: [quantized], attributes: attributes)
    // Zero-points differ, but every channel counts its codes from the same lowest one.
    let codes = quantizer.levels == 256 ? quantized : limited(quantized, 0...quantizer.levels - 1, as: stem)
    let dequantized = builder.uniqueName(stem + "_d")
    builder.node("DequantizeLinear", name: "", inputs: [codes, scales, zeros], outputs: [dequantized], attributes: attributes)
    builder.node("Clip", name: "", inputs: [dequantized] + bounds, outputs: [node.outputs[0]])
  }

  /// The grid of each channel.
  private func grids(of node: Node, _ quantizer: FakeQuantize) throws(ONNXError) -> [FakeQuantize.Grid<Float>] {
    let parameters = node.inputs.dropFirst().compactMap { graph.tensor($0)?.floats }
    guard parameters.count == node.inputs.count - 1, !parameters.isEmpty else {
      throw ONNXError(node: node.name, "a fake quantizer needs constant parameters")
    }
    return parameters[0].indices.map { quantizer.grid(parameters: parameters, at: $0) }
  }

  // MARK: Weights and biases

  private mutating func dequantized(_ name: TensorName, _ weight: QuantizedWeight) -> TensorName {
    let isScalar = weight.scales.count == 1
    let shape = isScalar ? [] : [weight.scales.count]
    let scales = initializer(Tensor(weight.scales, shape: shape), name + "_s")
    let attributes = isScalar ? [] : [ONNXAttributeProto.int("axis", weight.channelAxis)]
    if packed.contains(name) {
      builder.initializer(name, fourBits: weight.codes, shape: weight.shape)
      let output = builder.uniqueName(name + "_d")
      builder.node("DequantizeLinear", name: "", inputs: [name, scales], outputs: [output], attributes: attributes)
      return output
    }
    builder.initializer(name, Tensor(shape: weight.shape, elements: .int8(weight.codes)))
    // ONNX Runtime takes a Gemm for integer only when the zero-point is given, even though 0 is the default.
    let zero = Tensor(shape: shape, elements: .int8([Int8](repeating: 0, count: weight.scales.count)))
    // With session.x64quantprecision it rewrites the zero-point of each weight that leaves −64...63, and refuses to rewrite a shared one twice.
    let isRewritten = weight.codes.contains { !(-64...63).contains($0) }
    let zeros = isRewritten ? builder.constant(name + "_z", zero) : initializer(zero, isScalar ? "w0" : "w0_\(weight.scales.count)")
    let output = builder.uniqueName(name + "_d")
    builder.node("DequantizeLinear", name: "", inputs: [name, scales, zeros], outputs: [output], attributes: attributes)
    return output
  }

  private mutating func dequantized(_ name: TensorName, _ bias: QuantizedBias) -> TensorName {
    builder.initializer(name, Tensor(shape: [bias.codes.count], elements: .int32(bias.codes)))
    let isScalar = bias.scales.count == 1
    let scales = initializer(Tensor(bias.scales, shape: isScalar ? [] : [bias.scales.count]), name + "_s")
    let output = builder.uniqueName(name + "_d")
    builder.node(
      "DequantizeLinear", name: "", inputs: [name, scales], outputs: [output], attributes: isScalar ? [] : [.int("axis", 0)])
    return output
  }

  // MARK: Shared constants

  private mutating func scale(_ value: Float, _ stem: String) -> TensorName { initializer(Tensor([value], shape: []), stem + "_s") }

  private mutating func zeroPoint(_ value: Int) -> TensorName { initializer(Tensor(shape: [], elements: .uint8([UInt8(value)])), "z\(value)") }

  /// The initializer that holds `tensor`, named after `candidate` if it is new.
  private mutating func initializer(_ tensor: Tensor, _ candidate: String) -> TensorName {
    if let known = shared[tensor] { return known }
    let name = builder.constant(candidate, tensor)
    shared[tensor] = name
    return name
  }
}
