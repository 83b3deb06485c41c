import QATGraph
import QATLowering
import QATTensor

/// Integers.
extension IRWriter {
  /// Adds a quantizer of an activation.
  ///
  /// FakeQuantize computes with the bounds that the scale and the zero-point stand for, (0 − z) · s and (255 − z) · s, and gives the codes; the scale itself stands
  /// behind them, since OpenVINO would compute it from the bounds and miss it by a unit in the last place.
  mutating func writeQuantizer(_ node: Node, _ quantizer: FakeQuantize) throws(OpenVINOError) {
    guard let lowered else {
      throw OpenVINOError(node: node.name, "a fake quantizer has no place in an fp32 file: lower the graph and write the lowered one")
    }
    guard let codes = lowered.activations[node.outputs[0]] else { return try writePerChannelQuantizer(node, quantizer) }
    func value(_ code: Int) -> Float { Float(code - codes.zeroPoint) * codes.scale }
    var source = try read(node.inputs[0])
    if guarded.contains(node.name) {
      source = helper("PReLU", [source, constant(Tensor([1], shape: [1]), "slope", of: node)], "rounded", of: node)
    }
    let bounds = [
      scalar(value(0), "low", of: node), scalar(value(255), "high", of: node), scalar(0, "first", of: node), scalar(255, "last", of: node),
    ]
    let levels = helper("FakeQuantize", [source] + bounds, "levels", of: node, [.init("levels", 256), .numpyBroadcast])
    var bytes = helper("Convert", [levels], "bytes", of: node, [.init("destination_type", "u8")], elementType: .uint8)
    if !codes.usesWholeByte {
      let limits = [IRAttribute("min", codes.range.lowerBound), IRAttribute("max", codes.range.upperBound)]
      bytes = helper("Clamp", [bytes], "limited", of: node, limits, elementType: .uint8)
    }
    var numbers = helper("Convert", [bytes], "numbers", of: node, [.init("destination_type", "f32")])
    if codes.zeroPoint != 0 {
      numbers = helper("Subtract", [numbers, scalar(Float(codes.zeroPoint), "zero", of: node)], "centred", of: node, [.numpyBroadcast])
    }
    layer("Multiply", of: node, inputs: [numbers, scalar(codes.scale, "scale", of: node)], [.numpyBroadcast])
  }

  /// A quantizer with a scale a channel that no layer could take up, in floating point.
  private mutating func writePerChannelQuantizer(_ node: Node, _ quantizer: FakeQuantize) throws(OpenVINOError) {
    let parameters = node.inputs.dropFirst().compactMap { graph.tensor($0)?.floats }
    guard parameters.count == node.inputs.count - 1, let axis = quantizer.channelAxis else {
      throw OpenVINOError(node: node.name, "a fake quantizer needs constant parameters")
    }
    let grids = parameters[0].indices.map { quantizer.grid(parameters: parameters, at: $0) }
    var shape = [Int](repeating: 1, count: dimensions(of: node).count)
    shape[(axis + shape.count) % shape.count] = grids.count
    // Zero is on every grid, and the bounds are whole steps away from it.
    let last = Float(quantizer.levels - 1)
    let low = constant(Tensor(grids.map { -$0.zeroPoint * $0.step }, shape: shape), "low", of: node)
    let high = constant(Tensor(grids.map { (last - $0.zeroPoint) * $0.step }, shape: shape), "high", of: node)
    layer(
      "FakeQuantize", of: node, inputs: [try read(node.inputs[0]), low, high, low, high],
      [.init("levels", quantizer.levels), .init("auto_broadcast", "numpy")])
  }

  /// Adds a Clip whose only reader is a quantizer. Its limits are those of the codes, and a ReLU shows what remains.
  /// - Returns: whether the node was one.
  mutating func writeClipOfCodes(_ node: Node) throws(OpenVINOError) -> Bool {
    guard let clip = node.as(Clip.self), let reader = onlyReader(of: node.outputs[0]), reader.op is FakeQuantize,
      let codes = lowered?.activations[reader.outputs[0]], clip.lower < 0 || (clip.lower == 0 && codes.zeroPoint == 0)
    else { return false }
    let input = try read(node.inputs[0])
    if clip.lower == 0 { layer("ReLU", of: node, inputs: [input]) } else { bind(node.outputs[0], to: input) }
    return true
  }

  /// Adds a constant of the network, in another shape when one is given: int8 codes times their scales where it is quantized.
  ///
  /// - Parameters:
  ///   - name: the constant's name.
  ///   - tensor: its values.
  ///   - transposed: whether the matrix is written as its transpose.
  ///   - shape: the shape to write; the channels of a quantized weight are then its first axis, or its first two.
  /// - Returns: where the values are.
  mutating func weight(_ name: TensorName, _ tensor: Tensor, transposed: Bool = false, as shape: [Int]? = nil) -> Port {
    if let quantized = lowered?.weights[name] {
      let weight = transposed ? quantized.transposed : quantized
      var scaleShape = [Int](repeating: 1, count: weight.shape.count)
      scaleShape[weight.channelAxis] = weight.shape[weight.channelAxis]
      if let shape {
        // [O, …] or, in groups, [G, O/G, …].
        let channels = shape[0] == weight.scales.count ? 1 : 2
        scaleShape = Array(shape[..<channels]) + [Int](repeating: 1, count: shape.count - channels)
      }
      let codes = builder.constant(Tensor(shape: shape ?? weight.shape, elements: .int8(weight.codes)), name: name)
      let scale = builder.constant(Tensor(weight.scales, shape: weight.scales.count == 1 ? [] : scaleShape), name: "\(name)/scale")
      let converted = builder.layer(
        "Convert", name: "\(name)/convert", inputs: [codes], attributes: [.init("destination_type", "f32")], outputs: [.init(elementType: .float32)])
      return builder.layer(
        "Multiply", name: "\(name)/dequantized", inputs: [converted[0], scale], attributes: [.init("auto_broadcast", "numpy")],
        outputs: [.init(elementType: .float32)])[0]
    }
    let values = transposed ? tensor.transposedMatrix : tensor
    return builder.constant(shape.map { Tensor(shape: $0, elements: values.elements) } ?? values, name: name)
  }
}

extension QuantizedWeight {
  /// The transpose of a matrix.
  fileprivate var transposed: QuantizedWeight {
    var result = self
    result.shape = [shape[1], shape[0]]
    result.codes = matrixTransposed(codes, rows: shape[0], columns: shape[1])
    result.channelAxis = 1 - channelAxis
    return result
  }
}

extension Tensor {
  /// The transpose of a float32 matrix; other tensors as they are.
  fileprivate var transposedMatrix: Tensor {
    guard let floats, shape.count == 2 else { return self }
    return Tensor(matrixTransposed(floats, rows: shape[0], columns: shape[1]), shape: [shape[1], shape[0]])
  }
}

private func matrixTransposed<Element>(_ elements: [Element], rows: Int, columns: Int) -> [Element] {
  var result: [Element] = []
  result.reserveCapacity(elements.count)
  for column in 0..<columns { for row in 0..<rows { result.append(elements[row * columns + column]) } }
  return result
}
