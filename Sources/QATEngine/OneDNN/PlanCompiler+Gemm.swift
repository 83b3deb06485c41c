import COneDNN
import QATGraph

extension PlanCompiler {
  /// A matrix product with a bias a column, x · Wᵀ + b or x · W + b, as oneDNN's inner product, all tensors row-major; of codes where `integerLinear` says so.
  func gemm(_ op: Gemm, _ node: Node, _ index: Int) throws -> Bool {
    let biasName = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
    let (rows, columns) = (shape(node.outputs[0])[0], shape(node.outputs[0])[1])
    guard !op.transposesA, op.alpha == 1, biasName == nil || (op.beta == 1 && biasName.map(shape) == [columns]) else {
      return try runsOnCodes(node) { throw ReasonForFloat("it is more than a product of rows by a matrix, with a bias for each output") }
    }
    let inner = shape(node.inputs[0])[1]
    // oneDNN's weights are [outputs, inputs]; W given as [inputs, outputs] is the same matrix with swapped strides.
    let weightLayout = try Layout.matrix(rows: columns, columns: inner, isTransposed: !op.transposesB)
    let (source, result) = (try Layout.plain([rows, inner]), allocate(try .plain([rows, columns])))
    let weights = PlanValue(layout: weightLayout, buffer: try plainValue(node.inputs[1]).buffer)
    let bias = try biasName.map { try plainValue($0) }
    let training: Int32 = mode == .training ? 1 : 0
    let forward = withDescriptors(source, weightLayout, result.layout, bias?.layout) { source, weights, destination, bias in
      PrimitiveDescriptor { qat_dnnl_product_forward_pd($0, context.engine, training, source, weights, bias, destination) }
    }
    guard let forward else { return try runsOnCodes(node) { throw ReasonForFloat("oneDNN has no kernel for its shapes") } }
    define(node.outputs[0], result)
    let shapes = LinearShapes(rows: rows, sampleRows: sampleShape(node.inputs[0])[0], inputs: inner, outputs: columns)
    if try !integerLinear(node, shapes, transposes: op.transposesB, bias, result) {
      var reads = [argument(DNNL_ARG_SRC, try plainValue(node.inputs[0])), argument(DNNL_ARG_WEIGHTS, weights)]
      if let bias { reads.append(argument(DNNL_ARG_BIAS, bias)) }
      append(try PrimitiveStep("Gemm \(node.name)", forward, context, reads: reads, writes: [argument(DNNL_ARG_DST, result)]))
    }
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      if wantsGradient(node.inputs[1]) || biasName.map(wantsGradient) == true {
        // Where the forward pass had codes alone, they become floats here.
        try productWeightGradients(node, biasName, weightLayout, x: try plainValue(node.inputs[0]), dy: dy, hint: forward)
      }
      guard wantsGradient(node.inputs[0]) else { return }
      let backward = withDescriptors(source, weightLayout, dy.layout, nil) { source, weights, destination, _ in
        PrimitiveDescriptor { qat_dnnl_product_backward_data_pd($0, context.engine, source, weights, destination, forward.pd) }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      try contributeGradient(of: node.inputs[0], in: source) { dx in
        try PrimitiveStep(
          "Gemm backward data \(node.name)", backward, context, reads: [argument(DNNL_ARG_DIFF_DST, dy), argument(DNNL_ARG_WEIGHTS, weights)],
          writes: [argument(DNNL_ARG_DIFF_SRC, dx)])
      }
    }
    return true
  }

  private func productWeightGradients(
    _ node: Node, _ biasName: TensorName?, _ layout: Layout, x: PlanValue, dy: PlanValue, hint: PrimitiveDescriptor
  ) throws {
    let bias = try biasName.map { try Layout.plain(shape($0)) }
    let descriptor = withDescriptors(x.layout, layout, dy.layout, bias) { source, weights, destination, bias in
      PrimitiveDescriptor { qat_dnnl_product_backward_weights_pd($0, context.engine, source, weights, bias, destination, hint.pd) }
    }
    guard let descriptor else { throw EngineError("oneDNN has no weight gradient for \(node.name)") }
    let gradient = gradientDestination(node.inputs[1], try .plain(shape(node.inputs[1])))
    var writes = [argument(DNNL_ARG_DIFF_WEIGHTS, PlanValue(layout: layout, buffer: gradient.buffer))]
    if let biasName, let bias {
      let biasGradient = gradientDestination(biasName, bias)
      writes.append(argument(DNNL_ARG_DIFF_BIAS, biasGradient))
      try contribute(biasGradient, to: biasName)
    }
    append(
      try PrimitiveStep(
        "Gemm backward weights \(node.name)", descriptor, context, reads: [argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_DIFF_DST, dy)], writes: writes
      ))
    try contribute(gradient, to: node.inputs[1])
  }
}
