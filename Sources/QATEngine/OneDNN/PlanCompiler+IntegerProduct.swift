import COneDNN
import CVectorKernels
import QATGraph

/// A weight's codes, one byte each, and for each output channel whether one of its weights was no number.
struct WeightCodes {
  var values: PlanValue
  let undefined: PlanBuffer
}

extension PlanCompiler {
  /// Appends the encoding of a weight as its quantizer leaves it, row-major, with `axis` its axis of output channels. The codes lie in the same order;
  /// `layout` says how the product reads them.
  func weightCodes(_ quantizer: CompiledQuantizer, _ name: TensorName, _ weights: PlanValue, axis: Int, as layout: Layout) -> WeightCodes {
    let view = Self.view(weights.layout, channelAxis: axis)
    let result = PlanValue(layout: layout, buffer: allocate(bytes: layout.byteCount))
    let undefined = allocate(bytes: 4 * view.channel_blocks)
    let (values, codes, grids, stride) = (weights.buffer, result.buffer, quantizer.grids, quantizer.op.channelAxis == nil ? 0 : 1)
    append(
      KernelStep("codes of \(name)", reads: [values, grids], writes: [codes, undefined]) {
        let grid = grids.pointer.assumingMemoryBound(to: qat_grid.self)
        qat_encode_weights(view, grid, stride, values.floats, codes.pointer.assumingMemoryBound(to: Int8.self), undefined.integers)
      })
    return WeightCodes(values: result, undefined: undefined)
  }

  /// Appends a product of codes: exact sums in 32 bits, then one pass that brings them to scale, adds the bias and leaves `result` in its layout.
  ///
  /// With S[c] = Float(step of the input · step of weight channel c): y = Float(sum) · S[c] + bias[c], every operation rounded once. The product reads the
  /// input's codes as `source` says and leaves sums as `sums` says; `axis` is the axis of output channels of `result`.
  func appendIntegerProduct(
    _ product: IntegerProduct, _ descriptor: PrimitiveDescriptor, _ node: Node, _ input: TensorCodes, as source: Layout, _ weights: WeightCodes,
    sums layout: Layout, bias: PlanValue?, _ result: PlanValue, axis: Int
  ) throws {
    let sums = PlanValue(layout: layout, buffer: allocate(bytes: layout.byteCount))
    var reads = [argument(DNNL_ARG_SRC, PlanValue(layout: source, buffer: input.values)), argument(DNNL_ARG_WEIGHTS, weights.values)]
    if product.hasZeroPoint {
      let zeroPoint = PlanValue(layout: try .plain([1], of: dnnl_s32), buffer: input.meaning)
      reads.append(argument(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, zeroPoint))
    }
    append(
      try PrimitiveStep(
        "integer \(node.type) \(node.name)", descriptor, context, reads: reads, writes: [argument(DNNL_ARG_DST, sums)], isOfIntegers: true))

    let channels = result.layout.shape[axis]
    let scales = allocate(bytes: 4 * channels)
    let view = Self.view(result.layout, channelAxis: axis)
    let (accumulator, undefined, y, stride) = (sums.buffer, weights.undefined, result.buffer, product.weight.op.channelAxis == nil ? 0 : 1)
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
}
