import COneDNN
import CVectorKernels
import QATGraph

extension PlanCompiler {
  /// A convolution of codes: exact sums in 32 bits, then one pass that brings them to scale, adds the bias and leaves `result` in its layout.
  ///
  /// With S[c] = Float(step of the input · step of weight channel c): y = Float(sum) · S[c] + bias[c], every operation rounded once.
  /// - Returns: whether it was appended. `layers` says why not.
  func integerConvolution(_ node: Node, _ shapes: ConvolutionShapes, _ weights: PlanValue, _ bias: PlanValue?, _ result: PlanValue) throws -> Bool {
    do {
      let product = try integerProduct(node, shapes)
      let descriptor = try integerDescriptor(product, shapes)
      guard Self.holdsCodes(result.layout) else { throw ReasonForFloat("the layout of its output is not one of [N, C, H, W] that own loops know") }
      try appendIntegerConvolution(product, descriptor, node, shapes, weights, bias, result)
      layers.append(LayerArithmetic(node: node.name, reasonForFloat: nil))
      return true
    } catch let reason as ReasonForFloat {
      layers.append(LayerArithmetic(node: node.name, reasonForFloat: reason.text))
      return false
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

  private func appendIntegerConvolution(
    _ product: IntegerProduct, _ descriptor: PrimitiveDescriptor, _ node: Node, _ shapes: ConvolutionShapes, _ weights: PlanValue, _ bias: PlanValue?,
    _ result: PlanValue
  ) throws {
    let channels = shapes.destination[1]
    let input = try tensorCodes(node.inputs[0], product.input)
    let (packed, undefined) = try weightCodes(product.weight, node.inputs[1], weights, rows: channels, descriptor, shapes)
    let sums = PlanValue(layout: try .channelsLast(shapes.destination, of: dnnl_s32), buffer: allocate(bytes: 4 * shapes.destination.reduce(1, *)))
    let source = PlanValue(layout: try .channelsLast(shapes.source, of: dnnl_u8), buffer: input.values)
    var reads = [argument(DNNL_ARG_SRC, source), argument(DNNL_ARG_WEIGHTS, packed)]
    if product.hasZeroPoint {
      let zeroPoint = PlanValue(layout: try .plain([1], of: dnnl_s32), buffer: input.meaning)
      reads.append(argument(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, zeroPoint))
    }
    append(try PrimitiveStep("integer Conv \(node.name)", descriptor, context, reads: reads, writes: [argument(DNNL_ARG_DST, sums)]))

    let scales = allocate(bytes: 4 * channels)
    let view = Self.view(result.layout, channelAxis: 1)
    let (accumulator, y, stride) = (sums.buffer, result.buffer, product.weight.op.channelAxis == nil ? 0 : 1)
    append(
      KernelStep(
        "scale of \(node.name)",
        reads: [accumulator, undefined, input.meaning] + product.input.parameters + product.weight.parameters + (bias.map { [$0.buffer] } ?? []),
        writes: [scales, y]
      ) {
        let isUndefined = input.meaning.isUndefined
        let step = product.input.grid(of: 0).step
        for channel in 0..<channels {
          let isNumber = !isUndefined && undefined.integers[channel] == 0
          scales.floats[channel] = isNumber ? step * product.weight.grid(of: channel * stride).step : .nan
        }
        qat_scale_sums(view, channels, scales.floats, bias?.buffer.floats, accumulator.integers, y.floats)
      })
  }

  /// The codes of a weight in the layout of the kernel, and, for each output channel, whether one of its weights was no number.
  private func weightCodes(
    _ quantizer: CompiledQuantizer, _ name: TensorName, _ weights: PlanValue, rows: Int, _ descriptor: PrimitiveDescriptor,
    _ shapes: ConvolutionShapes
  ) throws -> (PlanValue, undefined: PlanBuffer) {
    let count = shapes.groupedWeights.reduce(1, *) / rows
    let plain = PlanValue(layout: try .plain(shapes.groupedWeights, of: dnnl_s8), buffer: allocate(bytes: rows * count))
    let undefined = allocate(bytes: 4 * rows)
    let (values, codes, grids, stride) = (weights.buffer, plain.buffer, quantizer.grids, quantizer.op.channelAxis == nil ? 0 : 1)
    append(
      KernelStep("codes of \(name)", reads: [values, grids], writes: [codes, undefined]) {
        let grid = grids.pointer.assumingMemoryBound(to: qat_grid.self)
        qat_encode_weights(rows, count, grid, stride, values.floats, codes.pointer.assumingMemoryBound(to: Int8.self), undefined.integers)
      })
    let layout = try descriptor.layout(dnnl_query_weights_md, shape: shapes.groupedWeights)
    return (try reordered(plain, to: layout, "pack codes of \(name)"), undefined)
  }
}
