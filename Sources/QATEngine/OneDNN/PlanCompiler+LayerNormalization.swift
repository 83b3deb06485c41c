import COneDNN
import QATGraph

extension PlanCompiler {
  /// A layer normalisation whose scale and bias have one element for each normalised one, as lines of a row-major matrix.
  func layerNormalization(_ op: LayerNormalization, _ node: Node, _ index: Int) throws -> Bool {
    let full = shape(node.inputs[0])
    let normalized = Array(full[(op.axis < 0 ? op.axis + full.count : op.axis)...])
    let biasName = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
    guard shape(node.inputs[1]) == normalized, biasName.map(shape) ?? normalized == normalized else { return false }
    let length = normalized.reduce(1, *)
    let lines = full.reduce(1, *) / length
    let (matrix, statistics, parameters) = (try Layout.plain([lines, length]), try Layout.plain([lines]), try Layout.plain([length]))
    let withShift: Int32 = biasName == nil ? 0 : 1
    let training: Int32 = mode == .training ? 1 : 0
    let forward = withDescriptors(matrix, statistics, parameters, nil) { layout, statistics, _, _ in
      PrimitiveDescriptor { qat_dnnl_layer_normalization_forward_pd($0, context.engine, training, withShift, layout, statistics, op.epsilon) }
    }
    guard let forward else { return false }
    func asMatrix(_ value: PlanValue) -> PlanValue { PlanValue(layout: matrix, buffer: value.buffer) }
    func asLine(_ value: PlanValue) -> PlanValue { PlanValue(layout: parameters, buffer: value.buffer) }
    let (x, result) = (try plainValue(node.inputs[0]), allocate(try .plain(full)))
    let scale = asLine(try plainValue(node.inputs[1]))
    let bias = try biasName.map { asLine(try plainValue($0)) }
    var reads = [argument(DNNL_ARG_SRC, asMatrix(x)), argument(DNNL_ARG_SCALE, scale)]
    if let bias { reads.append(argument(DNNL_ARG_SHIFT, bias)) }
    var writes = [argument(DNNL_ARG_DST, asMatrix(result))]
    let (mean, variance) = (allocate(statistics), allocate(statistics))
    if mode == .training { writes += [argument(DNNL_ARG_MEAN, mean), argument(DNNL_ARG_VARIANCE, variance)] }
    append(try PrimitiveStep("LayerNormalization \(node.name)", forward, context, reads: reads, writes: writes))
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      let backward = withDescriptors(matrix, statistics, parameters, nil) { layout, statistics, _, _ in
        PrimitiveDescriptor { qat_dnnl_layer_normalization_backward_pd($0, context.engine, withShift, layout, statistics, op.epsilon, forward.pd) }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      let dx = allocate(try .plain(full))
      let dScale = gradientDestination(node.inputs[1], try .plain(normalized))
      var reads = [
        argument(DNNL_ARG_SRC, asMatrix(x)), argument(DNNL_ARG_MEAN, mean), argument(DNNL_ARG_VARIANCE, variance),
        argument(DNNL_ARG_DIFF_DST, asMatrix(dy)), argument(DNNL_ARG_SCALE, scale),
      ]
      var writes = [argument(DNNL_ARG_DIFF_SRC, asMatrix(dx)), argument(DNNL_ARG_DIFF_SCALE, asLine(dScale))]
      if let bias, let biasName {
        let dBias = gradientDestination(biasName, try .plain(normalized))
        if reads.count < backward.inputCount { reads.append(argument(DNNL_ARG_SHIFT, bias)) }
        writes.append(argument(DNNL_ARG_DIFF_SHIFT, asLine(dBias)))
        try contribute(dBias, to: biasName)
      }
      append(try PrimitiveStep("LayerNormalization backward \(node.name)", backward, context, reads: reads, writes: writes))
      try contribute(dx, to: node.inputs[0])
      try contribute(dScale, to: node.inputs[1])
    }
    return true
  }
}
