import COneDNN
import QATGraph

extension PlanCompiler {
  /// A convolution on codes, where `integerProduct` allows it.
  /// - Returns: whether it was appended. `layers` says why not.
  func integerConvolution(_ node: Node, _ shapes: ConvolutionShapes, _ weights: PlanValue, _ bias: PlanValue?, _ result: PlanValue) throws -> Bool {
    try runsOnCodes(node) {
      guard shapes.source.count == 4 else { throw ReasonForFloat("it has \(shapes.source.count - 2) spatial axes, integer kernels are for 2") }
      let product = try integerProduct(
        IntegerCandidate(
          input: node.inputs[0], weight: node.inputs[1], outputAxis: 0, pairing: node.weightPairing(port: 1, shape: shape(node.inputs[1])),
          terms: shapes.terms, loss: shapes.lossByIntegers))
      let descriptor = try integerDescriptor(product, shapes)
      guard TensorCodes.Order.channelsLast.suits(result.layout) else {
        throw ReasonForFloat("the layout of its output is not one of [N, C, H, W] that own loops know")
      }
      let input = try tensorCodes(node.inputs[0], product.input, .channelsLast)
      let stored = PlanValue(layout: try .plain(shape(node.inputs[1])), buffer: weights.buffer)
      var codes = weightCodes(product.weight, node.inputs[1], stored, axis: 0, as: try .plain(shapes.groupedWeights, of: dnnl_s8))
      let packed = try descriptor.layout(dnnl_query_weights_md, shape: shapes.groupedWeights)
      codes.values = try reordered(codes.values, to: packed, "pack codes of \(node.inputs[1])")
      try appendIntegerProduct(
        product, descriptor, node, input, as: try .channelsLast(shapes.source, of: dnnl_u8), codes,
        sums: try .channelsLast(shapes.destination, of: dnnl_s32), bias: bias, result, axis: 1)
    }
  }

  private func integerDescriptor(_ product: IntegerProduct, _ shapes: ConvolutionShapes) throws -> PrimitiveDescriptor {
    let source = try Layout.channelsLast(shapes.source, of: dnnl_u8)
    let weights = try Layout.any(shapes.groupedWeights, of: dnnl_s8)
    let destination = try Layout.channelsLast(shapes.destination, of: dnnl_s32)
    let w = shapes.window
    let descriptor = withDescriptors(source, weights, destination, nil) { source, weights, destination, _ in
      PrimitiveDescriptor {
        qat_dnnl_integer_convolution_pd(
          $0, context.engine, product.hasZeroPoint ? 1 : 0, source, weights, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd)
      }
    }
    guard let descriptor, !descriptor.isSlow else { throw ReasonForFloat("oneDNN has no fast integer kernel for its shapes") }
    return descriptor
  }
}

extension ConvolutionShapes {
  /// Products that are added up for one output.
  var terms: Int { groupedWeights.suffix(source.count - 1).reduce(1, *) }

  /// Why integer products would not save more time than the passes around them cost: the rule for all convolutions, independent of machine and batch size.
  ///
  /// Measured on an AVX2 core without VNNI: a product costs 1/80 ns less than in floats; the pass that scales the sums 0.35 ns an output, and, of a training
  /// step, the one that turns codes into floats for the weight gradient 0.4 ns an input. Depthwise kernels are slower in integers than in floats.
  var lossByIntegers: ReasonForFloat? {
    let (inputs, outputs) = (source[1...].reduce(1, *), destination[1...].reduce(1, *))
    if terms * outputs >= 28 * outputs + 32 * inputs { return nil }
    return ReasonForFloat("with \(terms) products an output, conversions would cost more than integers gain")
  }
}
