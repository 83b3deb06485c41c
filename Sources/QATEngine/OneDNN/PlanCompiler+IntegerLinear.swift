import COneDNN
import QATGraph

/// The sizes of a linear layer: [rows, inputs] by [inputs, outputs].
struct LinearShapes {
  /// Rows of the whole batch.
  let rows: Int
  /// Rows of one sample, such as its tokens.
  let sampleRows: Int
  let inputs, outputs: Int
}

extension PlanCompiler {
  /// A product of rows by one constant matrix on codes, where `integerProduct` allows it: as oneDNN's matrix product, which reads the weight as it is stored.
  ///
  /// `transposes` says whether the layer reads its weight as [outputs, inputs]; `result` is row-major with output channels last.
  /// - Returns: whether it was appended. `layers` says why not.
  func integerLinear(_ node: Node, _ shapes: LinearShapes, transposes: Bool, _ bias: PlanValue?, _ result: PlanValue) throws -> Bool {
    try runsOnCodes(node) {
      guard isConstant(node.inputs[1]) else { throw ReasonForFloat("it multiplies two activations, integer kernels are for a constant weight") }
      let weight = storedWeight(node.inputs[1])
      let stored = shape(weight.name)
      guard stored.dropLast(2).allSatisfy({ $0 == 1 }) else { throw ReasonForFloat("its weight is more than one matrix") }
      let isOutputsFirst = transposes != weight.isTransposed
      let outputAxis = stored.count - (isOutputsFirst ? 2 : 1)
      let pairing = node.weightPairing(port: 1, shape: shape(node.inputs[1]))
      let product = try integerProduct(
        IntegerCandidate(
          input: node.inputs[0], weight: weight.name, outputAxis: outputAxis, pairing: weight.isTransposed ? pairing?.behind([1, 0]) : pairing,
          terms: shapes.inputs, loss: shapes.lossByIntegers))
      let source = try Layout.plain([shapes.rows, shapes.inputs], of: dnnl_u8)
      let matrix = try Layout.matrix(rows: shapes.inputs, columns: shapes.outputs, isTransposed: isOutputsFirst, of: dnnl_s8)
      let sums = try Layout.plain([shapes.rows, shapes.outputs], of: dnnl_s32)
      let descriptor = withDescriptors(source, matrix, sums, nil) { source, weights, destination, _ in
        PrimitiveDescriptor { qat_dnnl_integer_matmul_pd($0, context.engine, product.hasZeroPoint ? 1 : 0, source, weights, destination) }
      }
      guard let descriptor, !descriptor.isPlainLoop else { throw ReasonForFloat("oneDNN has no fast integer kernel for its shapes") }
      let input = try tensorCodes(node.inputs[0], product.input, .rowMajor)
      let codes = weightCodes(product.weight, weight.name, try plainValue(weight.name), axis: outputAxis, as: matrix)
      try appendIntegerProduct(
        product, descriptor, node, input, as: source, codes, sums: sums, bias: bias, result, axis: result.layout.shape.count - 1)
    }
  }

  /// What a linear layer reads through transpositions: as its quantizer leaves it.
  private func storedWeight(_ name: TensorName) -> (name: TensorName, isTransposed: Bool) {
    var (name, isTransposed) = (name, false)
    while let node = producer(of: name) {
      if node.op is Identity {
        name = node.inputs[0]
      } else if node.as(Transpose.self)?.permutation == [1, 0] {
        (name, isTransposed) = (node.inputs[0], !isTransposed)
      } else {
        break
      }
    }
    return (name, isTransposed)
  }

  /// Whether a tensor is a constant, perhaps quantized and in another order.
  private func isConstant(_ name: TensorName) -> Bool {
    var name = name
    while let node = producer(of: name), node.op is FakeQuantize || node.op is Transpose || node.op is Reshape || node.op is Identity {
      name = node.inputs[0]
    }
    return graph.constants[name] != nil
  }
}

extension LinearShapes {
  /// Why integer products would not save more time than the passes around them cost: the rule for all linear layers, independent of machine and batch size.
  ///
  /// Measured on an AVX2 core without VNNI: a product costs 1/80 ns less than in floats; the pass that scales the sums 0.3 ns an output, the one that turns
  /// codes into floats for the weight gradient, with what encoding costs beyond fake quantization, 0.4 ns an input, and encoding the weight 0.4 ns an element.
  /// The last one is spent once a batch; so that the rule does not ask for the batch size, it counts as if there were one sample.
  var lossByIntegers: ReasonForFloat? {
    let products = sampleRows * inputs * outputs
    if products >= 24 * sampleRows * outputs + 32 * sampleRows * inputs + 32 * inputs * outputs { return nil }
    return ReasonForFloat("with \(sampleRows) × \(inputs) inputs and \(outputs) outputs a sample, conversions would cost more than integers gain")
  }
}
