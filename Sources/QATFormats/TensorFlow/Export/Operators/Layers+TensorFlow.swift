import QATGraph
import QATLowering
import QATTensor

extension TensorFlowWriter {
  /// Adds a layer, and a BiasAdd behind it where it has a bias: that makes the node's output, and the layer keeps the node's name.
  mutating func emitLayer(
    _ type: String, _ inputs: [String], bias: TensorName, _ layout: TensorFlowLayout, _ node: Node, _ attributes: [TFAttrEntry]
  ) throws(TensorFlowError) {
    guard !bias.isEmpty else { return emitFloat(type, inputs, layout, node, attributes) }
    guard graph.constants[bias] != nil else { throw unsupported(node, "its bias '\(bias)' is computed") }
    let name = builder.uniqueName(node.name == node.outputs[0] ? "\(node.name)/product" : node.name)
    builder.node(type, name: name, inputs, [.type("T", .dtFloat)] + attributes)
    let values = constant(bias, "bias") { $0.reshaped([$0.count]) }
    emitFloat("BiasAdd", [name, values], layout, node, [.string("data_format", "NHWC")])
  }

  /// A weight as its reader in the file takes it, behind its quantizer where it has one.
  /// - Parameters:
  ///   - name: the constant.
  ///   - form: a word for the arrangement.
  ///   - axis: the axis of the output channels in the arrangement; the last one.
  ///   - splitting: the shape that the reader wants, when it counts the channels along two axes.
  ///   - permutation: the order of axes that the reader wants, when the channels are not last there.
  ///   - node: the reader.
  ///   - arrange: arranges the elements.
  /// - Returns: the name of the node that makes it.
  /// - Throws: `TensorFlowError` when the weight is computed and has no constant form.
  mutating func weight(
    _ name: TensorName, _ form: String, axis: Int, splitting: [Int]? = nil, moving permutation: [Int]? = nil, _ node: Node,
    arrange: (Tensor) -> Tensor
  ) throws(TensorFlowError) -> String {
    guard graph.constants[name] != nil else { throw unsupported(node, "its weight '\(name)' is computed") }
    if let known = remembered(name, "\(form) behind its quantizer") { return known }
    guard let quantized = lowered?.weights[name] else {
      return constant(name, form) { tensor in
        let arranged = arrange(tensor)
        return splitting.map(arranged.reshaped) ?? permutation.map(arranged.transposed) ?? arranged
      }
    }
    var reference = constant(name, form, arrange)
    // All codes but −128 fit the narrow range, in which OpenVINO computes with integers.
    let codes = quantized.codes.contains(-128) ? -128...127 : -127...127
    let ranges = quantized.scales.map { QuantizerRange(step: $0, codes: codes) }
    let isScalar = ranges.count == 1
    let shape = isScalar ? [] : [ranges.count]
    let minima = constant(Tensor(ranges.map(\.minimum), shape: shape), "weight_min", node)
    let maxima = constant(Tensor(ranges.map(\.maximum), shape: shape), "weight_max", node)
    let attributes = [TFAttrEntry.flag("narrow_range", codes.lowerBound == -127), .int("num_bits", 8)]
    let type = isScalar ? "FakeQuantWithMinMaxVars" : "FakeQuantWithMinMaxVarsPerChannel"
    reference = helper(type, [reference, minima, maxima], "weight", node, attributes)
    if let splitting {
      reference = helper(
        "Reshape", [reference, integers(splitting, "weight_shape", node)], "weight_split", node, [.type("T", .dtFloat), .type("Tshape", .dtInt32)])
    }
    if let permutation {
      reference = helper(
        "Transpose", [reference, integers(permutation, "weight_perm", node)], "weight_moved", node, [.type("T", .dtFloat), .type("Tperm", .dtInt32)])
    }
    remember(reference, name, "\(form) behind its quantizer")
    return reference
  }

  /// Whether a quantizer stands between a convolution and an addition.
  fileprivate func isResidualBranch(_ quantizer: Node) -> Bool {
    guard let maker = producers[quantizer.inputs[0]], graph.nodes[maker].op is Convolution else { return false }
    return consumers[quantizer.outputs[0], default: []].contains { graph.nodes[$0.node].op is Add }
  }

  /// The first operand of a product with a constant: flattened images stay as they are, and the weight's rows take their order.
  fileprivate mutating func features(_ tensor: TensorName) throws(TensorFlowError) -> (String, places: [Int]?) {
    if let places = layout(of: tensor)?.featurePlaces { return (try reference(tensor), places) }
    return (try plain(tensor), nil)
  }
}

extension Gemm: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard alpha == 1, beta == 1 || node.inputs.count < 3 else {
      throw writer.unsupported(node, "only factors of 1 can be written, found \(alpha) and \(beta)")
    }
    let isConstant = writer.graph.constants[node.inputs[1]] != nil
    var (x, places) = isConstant && !transposesA ? try writer.features(node.inputs[0]) : (try writer.plain(node.inputs[0]), nil)
    let weight: String
    if isConstant {
      weight = try writer.weight(node.inputs[1], places == nil ? "matrix" : "matrix of \(node.inputs[0])", axis: 1, node) { tensor in
        let matrix = transposesB ? tensor.transposed([1, 0]) : tensor
        return places.map { matrix.rows($0) } ?? matrix
      }
    } else {
      weight = try writer.plain(node.inputs[1])
    }
    if transposesA { x = writer.floatHelper("Transpose", [x, writer.integers([1, 0], "perm", node)], "a", node, [.type("Tperm", .dtInt32)]) }
    let attributes = [TFAttrEntry.flag("transpose_a", false), .flag("transpose_b", !isConstant && transposesB)]
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return writer.emitFloat("MatMul", [x, weight], .plain, node, attributes) }
    let columns = writer.type(of: node.outputs[0]).dimensions[1].fixedSize
    if writer.graph.tensor(node.inputs[2])?.count == columns {
      return try writer.emitLayer("MatMul", [x, weight], bias: node.inputs[2], .plain, node, attributes)
    }
    let product = writer.floatHelper("MatMul", [x, weight], "product", node, attributes)
    writer.emitFloat("AddV2", [product, try writer.plain(node.inputs[2])], .plain, node)
  }
}

extension MatMul: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    let ranks = node.inputs.map { writer.type(of: $0).rank }
    guard ranks.allSatisfy({ $0 >= 2 }) else { throw writer.unsupported(node, "products of vectors cannot be written") }
    let isConstant = ranks[1] == 2 && writer.graph.constants[node.inputs[1]] != nil
    let (x, places) = isConstant ? try writer.features(node.inputs[0]) : (try writer.plain(node.inputs[0]), nil)
    let form = places == nil ? "matrix" : "matrix of \(node.inputs[0])"
    let weight =
      isConstant
      ? try writer.weight(node.inputs[1], form, axis: 1, node) { tensor in places.map { tensor.rows($0) } ?? tensor }
      : try writer.plain(node.inputs[1])
    if ranks == [2, 2] { return writer.emitFloat("MatMul", [x, weight], .plain, node) }
    writer.emitFloat("BatchMatMulV2", [x, weight], .plain, node)
  }
}

extension FakeQuantize: TensorFlowWritable {
  func write(_ node: Node, to writer: inout TensorFlowWriter) throws(TensorFlowError) {
    guard writer.lowered != nil else {
      throw writer.unsupported(node, "a fake quantizer has no place in an fp32 file: lower the graph and write the lowered one")
    }
    let parameters = node.inputs.dropFirst().compactMap { writer.graph.tensor($0)?.floats }
    guard parameters.count == node.inputs.count - 1 else { throw writer.unsupported(node, "a fake quantizer needs constant parameters") }
    let ranges = parameters[0].indices.map { index in
      let grid = self.grid(parameters: parameters, at: index)
      let zero = Int(grid.zeroPoint)
      return QuantizerRange(step: grid.step, codes: -zero...levels - 1 - zero)
    }
    var (x, layout) = try writer.input(node)
    let isScalar = ranges.count == 1
    // OpenVINO leaves out the rounding of a quantizer between a convolution and an addition. It keeps it behind an activation, were it one without effect.
    if writer.isResidualBranch(node) { x = writer.floatHelper("LeakyRelu", [x], "kept", node, [.float("alpha", 1)]) }
    if let channelAxis, !isScalar {
      let rank = writer.type(of: node.inputs[0]).rank
      let axis = layout.fileAxis(channelAxis < 0 ? channelAxis + rank : channelAxis, rank: rank)
      if axis != rank - 1 || layout.featurePlaces != nil { (x, layout) = (try writer.plain(node.inputs[0]), .plain) }
      guard layout.fileAxis(channelAxis, rank: rank) == rank - 1, [1, 2, 4].contains(rank) else {
        throw writer.unsupported(node, "TensorFlow quantizes per channel along the last axis of 1, 2 or 4 alone")
      }
    }
    let shape = isScalar ? [] : [ranges.count]
    let minima = writer.constant(Tensor(ranges.map(\.minimum), shape: shape), "min", node)
    let maxima = writer.constant(Tensor(ranges.map(\.maximum), shape: shape), "max", node)
    let isNarrow = !levels.isMultiple(of: 2)
    writer.emit(
      isScalar ? "FakeQuantWithMinMaxVars" : "FakeQuantWithMinMaxVarsPerChannel", [x, minima, maxima], layout, node,
      [.flag("narrow_range", isNarrow), .int("num_bits", effectiveBits)])
  }
}

extension Tensor {
  /// The matrix whose row i is row `places[i]` of this one.
  fileprivate func rows(_ places: [Int]) -> Tensor {
    let width = shape[1]
    return Tensor(shape: shape, elements: elements.gathered(places.flatMap { place in (0..<width).map { place * width + $0 } }))
  }
}
