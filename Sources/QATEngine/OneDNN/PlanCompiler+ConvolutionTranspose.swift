import COneDNN
import QATGraph
import QATTensor

extension PlanCompiler {
  /// A transposed convolution, in the layouts that oneDNN's deconvolution likes best.
  func convolutionTranspose(_ op: ConvolutionTranspose, _ node: Node, _ index: Int) throws -> Bool {
    _ = try runsOnCodes(node) { throw ReasonForFloat("it is transposed, integer kernels are for plain convolutions") }
    let (source, destination) = (shape(node.inputs[0]), shape(node.outputs[0]))
    let weightLayout = try Self.weightLayout(shape(node.inputs[1]), groups: op.groups)
    // The window slides over the result: its last position is x's last element.
    let w = WindowArguments(op.window, input: destination, output: source)
    let biasName = node.inputs.count > 2 && !node.inputs[2].isEmpty ? node.inputs[2] : nil
    let bias = try biasName.map { try plainValue($0) }
    let (anySource, anyDestination, anyWeights) = (try Layout.any(source), try Layout.any(destination), try Layout.any(weightLayout.shape))
    let training: Int32 = mode == .training ? 1 : 0
    let forward = withDescriptors(anySource, anyWeights, anyDestination, bias?.layout) { source, weights, destination, bias in
      PrimitiveDescriptor {
        qat_dnnl_deconvolution_forward_pd(
          $0, context.engine, training, source, weights, bias, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd)
      }
    }
    guard let forward else { return false }
    let x = try value(node.inputs[0], in: forward.layout(dnnl_query_src_md, shape: source))
    let plainWeights = PlanValue(layout: weightLayout, buffer: try plainValue(node.inputs[1]).buffer)
    let weights = try converted(plainWeights, to: forward.layout(dnnl_query_weights_md, shape: weightLayout.shape), "pack \(node.inputs[1])")
    let result = allocate(try forward.layout(dnnl_query_dst_md, shape: destination))
    var reads = [argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_WEIGHTS, weights)]
    if let bias { reads.append(argument(DNNL_ARG_BIAS, bias)) }
    append(try PrimitiveStep("ConvTranspose \(node.name)", forward, context, reads: reads, writes: [argument(DNNL_ARG_DST, result)]))
    define(node.outputs[0], result)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      if wantsGradient(node.inputs[1]) || biasName.map(wantsGradient) == true {
        try transposeWeightGradients(node, biasName, weightLayout, w, x: x, dy: dy, hint: forward)
      }
      if wantsGradient(node.inputs[0]) { try transposeDataGradient(node, plainWeights, w, dy: dy, hint: forward) }
    }
    return true
  }

  /// ONNX's weight [C, O/groups, ...] as oneDNN's [groups, O/groups, C/groups, ...], or without the first axis for one group: the same memory.
  private static func weightLayout(_ shape: [Int], groups: Int) throws(EngineError) -> Layout {
    let strides = shape.rowMajorStrides
    if groups == 1 { return try .strided([shape[1], shape[0]] + shape[2...], strides: [strides[1], strides[0]] + strides[2...]) }
    let perGroup = shape[0] / groups
    return try .strided([groups, shape[1], perGroup] + shape[2...], strides: [perGroup * strides[0], strides[1], strides[0]] + strides[2...])
  }

  private func transposeDataGradient(_ node: Node, _ plainWeights: PlanValue, _ w: WindowArguments, dy: PlanValue, hint: PrimitiveDescriptor) throws {
    let source = shape(node.inputs[0])
    let descriptor = withDescriptors(try .any(source), try .any(plainWeights.layout.shape), try .any(dy.layout.shape), nil) {
      source, weights, destination, _ in
      PrimitiveDescriptor {
        qat_dnnl_deconvolution_backward_data_pd(
          $0, context.engine, source, weights, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd, hint.pd)
      }
    }
    try dataGradient(descriptor, node, weights: plainWeights, dy: dy)
  }

  private func transposeWeightGradients(
    _ node: Node, _ biasName: TensorName?, _ weightLayout: Layout, _ w: WindowArguments, x: PlanValue, dy: PlanValue, hint: PrimitiveDescriptor
  ) throws {
    let bias = try biasName.map { try Layout.plain(shape($0)) }
    let descriptor = withDescriptors(try .any(x.layout.shape), try .any(weightLayout.shape), try .any(dy.layout.shape), bias) {
      source, weights, destination, bias in
      PrimitiveDescriptor {
        qat_dnnl_deconvolution_backward_weights_pd(
          $0, context.engine, source, weights, bias, destination, w.strides, w.dilations, w.padsBegin, w.padsEnd, hint.pd)
      }
    }
    try weightGradients(descriptor, node, biasName, weights: weightLayout, x: x, dy: dy)
  }
}
