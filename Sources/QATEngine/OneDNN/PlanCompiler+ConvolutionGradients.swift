import COneDNN
import QATGraph

/// What gradients of convolutions and of transposed ones by oneDNN have in common, once a kernel is chosen: tensors in the layouts that it wants.
extension PlanCompiler {
  /// Contributes the gradient of the input.
  func dataGradient(_ descriptor: PrimitiveDescriptor?, _ node: Node, weights: PlanValue, dy: PlanValue) throws {
    guard let descriptor else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
    let packed = try converted(weights, to: descriptor.layout(dnnl_query_weights_md, shape: weights.layout.shape), "pack \(node.inputs[1])")
    let upstream = try converted(dy, to: descriptor.layout(dnnl_query_diff_dst_md, shape: dy.layout.shape), "reorder gradient of \(node.name)")
    let layout = try descriptor.layout(dnnl_query_diff_src_md, shape: shape(node.inputs[0]))
    try contributeGradient(of: node.inputs[0], in: layout) { dx in
      try PrimitiveStep(
        "\(node.type) backward data \(node.name)", descriptor, context,
        reads: [argument(DNNL_ARG_DIFF_DST, upstream), argument(DNNL_ARG_WEIGHTS, packed)], writes: [argument(DNNL_ARG_DIFF_SRC, dx)])
    }
  }

  /// Contributes the gradients of the weight, whose own order is `layout`, and of the bias.
  func weightGradients(
    _ descriptor: PrimitiveDescriptor?, _ node: Node, _ bias: TensorName?, weights layout: Layout, x: PlanValue, dy: PlanValue
  ) throws {
    guard let descriptor else { throw EngineError("oneDNN has no weight gradient for \(node.name)") }
    let source = try converted(x, to: descriptor.layout(dnnl_query_src_md, shape: x.layout.shape), "reorder \(node.inputs[0])")
    let upstream = try converted(dy, to: descriptor.layout(dnnl_query_diff_dst_md, shape: dy.layout.shape), "reorder gradient of \(node.name)")
    let packed = allocate(try descriptor.layout(dnnl_query_diff_weights_md, shape: layout.shape))
    var writes = [argument(DNNL_ARG_DIFF_WEIGHTS, packed)]
    if let bias {
      let gradient = gradientDestination(bias, try .plain(shape(bias)))
      writes.append(argument(DNNL_ARG_DIFF_BIAS, gradient))
      try contribute(gradient, to: bias)
    }
    append(
      try PrimitiveStep(
        "\(node.type) backward weights \(node.name)", descriptor, context,
        reads: [argument(DNNL_ARG_SRC, source), argument(DNNL_ARG_DIFF_DST, upstream)], writes: writes))
    guard wantsGradient(node.inputs[1]) else { return }
    // Unpacked into the weight's own order, right into the flat gradients when nothing else reads the weight.
    let plain = gradientDestination(node.inputs[1], try .plain(shape(node.inputs[1])))
    try appendReorder(packed, PlanValue(layout: layout, buffer: plain.buffer), "unpack gradient of \(node.inputs[1])")
    try contribute(plain, to: node.inputs[1])
  }
}
