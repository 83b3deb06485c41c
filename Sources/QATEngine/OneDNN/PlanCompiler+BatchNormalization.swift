import COneDNN
import QATGraph
import QATTensor

extension PlanCompiler {
  /// Batch normalisation: by the batch's statistics in training (`trainingNormalization`), otherwise by running ones, together with a ReLU that alone reads the
  /// result.
  func batchNormalization(_ op: BatchNormalization, _ node: Node, _ index: Int) throws -> Bool {
    guard mode == .evaluation || op.isFrozen else {
      try trainingNormalization(op, node, index)
      return true
    }
    let x = try value(node.inputs[0])
    var output = node.outputs[0]
    let relu = soleConsumer(of: output).flatMap { $0.node.op is Relu ? $0 : nil }
    let withRelu: Int32 = relu == nil ? 0 : 1
    let training: Int32 = mode == .training ? 1 : 0
    let forward = x.layout.descriptor.use { layout in
      PrimitiveDescriptor { qat_dnnl_normalization_forward_pd($0, context.engine, training, withRelu, layout, op.epsilon) }
    }
    guard let forward else { return false }
    if let relu {
      fuse(relu.index, into: index)
      output = relu.node.outputs[0]
    }
    let channels = try Layout.plain([x.layout.shape[1]])
    let gamma = try plainValue(node.inputs[1])
    let (mean, variance) = (try plainValue(node.inputs[3]), try plainValue(node.inputs[4]))
    let result = allocate(x.layout)
    let reads = [argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_SCALE, gamma), argument(DNNL_ARG_MEAN, mean), argument(DNNL_ARG_VARIANCE, variance)]
    let shift = argument(DNNL_ARG_SHIFT, try plainValue(node.inputs[2]))
    let workspace = mode == .training ? try forward.workspace().map { argument(DNNL_ARG_WORKSPACE, allocate($0)) } : nil
    define(output, result)
    let label = relu == nil ? "BatchNormalization \(node.name)" : "BatchNormalization+Relu \(node.name)"
    append(
      try PrimitiveStep(label, forward, context, reads: reads + [shift], writes: [argument(DNNL_ARG_DST, result)] + [workspace].compactMap(\.self)))
    onBackward(of: index) { [self] in
      guard let dy = try gradient(output) else { return }
      let backward = x.layout.descriptor.use { layout in
        PrimitiveDescriptor { qat_dnnl_normalization_backward_pd($0, context.engine, withRelu, layout, layout, op.epsilon, forward.pd) }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      let dx = allocate(x.layout)
      let (dGamma, dBeta) = (gradientDestination(node.inputs[1], channels), gradientDestination(node.inputs[2], channels))
      var reads = reads + [argument(DNNL_ARG_DIFF_DST, dy)] + [workspace].compactMap(\.self)
      if reads.count < backward.inputCount { reads.append(shift) }
      append(
        try PrimitiveStep(
          "BatchNormalization backward \(node.name)", backward, context, reads: reads,
          writes: [argument(DNNL_ARG_DIFF_SRC, dx), argument(DNNL_ARG_DIFF_SCALE, dGamma), argument(DNNL_ARG_DIFF_SHIFT, dBeta)]))
      try contribute(dx, to: node.inputs[0])
      try contribute(dGamma, to: node.inputs[1])
      try contribute(dBeta, to: node.inputs[2])
    }
    return true
  }
}
