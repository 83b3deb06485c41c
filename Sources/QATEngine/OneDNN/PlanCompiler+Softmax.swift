import COneDNN
import QATGraph

extension PlanCompiler {
  /// A softmax or its logarithm, in row-major order.
  func softmax(axis: Int, isLogarithmic: Bool, _ node: Node, _ index: Int) throws -> Bool {
    let x = try plainValue(node.inputs[0])
    let position = Int32(axis < 0 ? axis + x.layout.shape.count : axis)
    let logarithmic: Int32 = isLogarithmic ? 1 : 0
    let training: Int32 = mode == .training ? 1 : 0
    let forward = x.layout.descriptor.use { layout in
      PrimitiveDescriptor { qat_dnnl_softmax_forward_pd($0, context.engine, training, logarithmic, layout, position) }
    }
    guard let forward else { return false }
    let y = allocate(x.layout)
    let step = try PrimitiveStep(
      "\(node.type) \(node.name)", forward, context, reads: [argument(DNNL_ARG_SRC, x)], writes: [argument(DNNL_ARG_DST, y)])
    step.bytesPerNanosecond = Step.expensivePass
    append(step)
    define(node.outputs[0], y)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      let backward = x.layout.descriptor.use { layout in
        PrimitiveDescriptor { qat_dnnl_softmax_backward_pd($0, context.engine, logarithmic, layout, position, forward.pd) }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      try contributeGradient(of: node.inputs[0], in: x.layout) { dx in
        try PrimitiveStep(
          "\(node.type) backward \(node.name)", backward, context, reads: [argument(DNNL_ARG_DST, y), argument(DNNL_ARG_DIFF_DST, dy)],
          writes: [argument(DNNL_ARG_DIFF_SRC, dx)])
      }
    }
    return true
  }
}
