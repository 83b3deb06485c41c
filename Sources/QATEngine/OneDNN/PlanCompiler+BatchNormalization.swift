import COneDNN
import CVectorKernels
import QATGraph
import QATTensor

extension PlanCompiler {
  /// Batch normalisation, together with a ReLU that alone reads the result.
  func batchNormalization(_ op: BatchNormalization, _ node: Node, _ index: Int) throws -> Bool {
    if mode == .training, !op.isFrozen, try trainingNormalization(op, node, index) { return true }
    let x = try value(node.inputs[0])
    var output = node.outputs[0]
    let relu = soleConsumer(of: output).flatMap { $0.node.op is Relu ? $0 : nil }
    let withRelu: Int32 = relu == nil ? 0 : 1
    let training: Int32 = mode == .training ? 1 : 0
    let usesRunning = mode == .evaluation || op.isFrozen
    // oneDNN adds each channel's values up one after the other in float32: its statistics of 200,000 values are off by up to 5e-5 of the variance, ours by 1e-7.
    let hasOwnMoments = !usesRunning && x.layout.channelBlock > 0
    func makeForward(running: Bool) -> PrimitiveDescriptor? {
      x.layout.descriptor.use { layout in
        PrimitiveDescriptor { qat_dnnl_normalization_forward_pd($0, context.engine, training, running ? 1 : 0, withRelu, layout, op.epsilon) }
      }
    }
    let forward = makeForward(running: usesRunning || hasOwnMoments)
    guard let forward else { return false }
    if let relu {
      fuse(relu.index, into: index)
      output = relu.node.outputs[0]
    }
    let channels = try Layout.plain([x.layout.shape[1]])
    let (gamma, beta) = (try plainValue(node.inputs[1]), try plainValue(node.inputs[2]))
    let result = allocate(x.layout)
    var reads = [argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_SCALE, gamma), argument(DNNL_ARG_SHIFT, beta)]
    var writes = [argument(DNNL_ARG_DST, result)]
    define(output, result)
    let label = relu == nil ? "BatchNormalization \(node.name)" : "BatchNormalization+Relu \(node.name)"
    let (mean, variance) = usesRunning ? (try plainValue(node.inputs[3]), try plainValue(node.inputs[4])) : (allocate(channels), allocate(channels))
    let statistics = [argument(DNNL_ARG_MEAN, mean), argument(DNNL_ARG_VARIANCE, variance)]
    if hasOwnMoments { appendMoments(node, of: x, mean: mean, variance: variance) }
    if usesRunning || hasOwnMoments { reads += statistics } else { writes += statistics }
    let workspace = mode == .training ? try forward.workspace().map { allocate($0) } : nil
    if let workspace { writes.append(argument(DNNL_ARG_WORKSPACE, workspace)) }
    append(try PrimitiveStep(label, forward, context, reads: reads, writes: writes))
    guard mode == .training else { return true }
    if !usesRunning {
      let samples = Float(x.layout.shape.reduce(1, *) / x.layout.shape[1])
      appendBatchStatistics(node, mean: mean, variance: variance, unbiased: samples / max(samples - 1, 1))
    }
    onBackward(of: index) { [self] in
      guard let dy = try gradient(output) else { return }
      // The statistics depend on x, whoever has computed them.
      let hint = hasOwnMoments ? makeForward(running: false) : forward
      let backward = hint.flatMap { hint in
        x.layout.descriptor.use { layout in
          PrimitiveDescriptor {
            qat_dnnl_normalization_backward_pd($0, context.engine, usesRunning ? 1 : 0, withRelu, layout, layout, op.epsilon, hint.pd)
          }
        }
      }
      guard let backward else { throw EngineError("oneDNN has no backward kernel for \(node.name)") }
      let dx = allocate(x.layout)
      let (dGamma, dBeta) = (gradientDestination(node.inputs[1], channels), gradientDestination(node.inputs[2], channels))
      var reads = [
        argument(DNNL_ARG_SRC, x), argument(DNNL_ARG_MEAN, mean), argument(DNNL_ARG_VARIANCE, variance), argument(DNNL_ARG_DIFF_DST, dy),
        argument(DNNL_ARG_SCALE, gamma),
      ]
      if let workspace { reads.append(argument(DNNL_ARG_WORKSPACE, workspace)) }
      if reads.count < backward.inputCount { reads.append(argument(DNNL_ARG_SHIFT, beta)) }
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

  /// Computes the mean and the variance of each channel.
  private func appendMoments(_ node: Node, of x: PlanValue, mean: PlanValue, variance: PlanValue) {
    let view = Self.view(x.layout, channelAxis: 1)
    let channels = x.layout.shape[1]
    let count = Double(view.outer * view.inner)
    let partial = allocate(bytes: qat_normalization_partial_count(view) * MemoryLayout<Float>.size)
    let padded = view.channel_blocks * view.block
    let sums = allocate(bytes: 2 * padded * MemoryLayout<Double>.size)
    let (source, mean, variance) = (x.buffer, mean.buffer, variance.buffer)
    append(
      KernelStep("BatchNormalization moments \(node.name)", reads: [source], writes: [partial, sums, mean, variance]) {
        qat_channel_moments(view, source.floats, partial.floats, sums.doubles, sums.doubles + padded)
        for channel in 0..<channels {
          mean.floats[channel] = Float(sums.doubles[channel])
          variance.floats[channel] = Float(sums.doubles[padded + channel] / count)
        }
      })
  }

  /// Leaves the batch's mean and unbiased variance where the training loop collects them.
  private func appendBatchStatistics(_ node: Node, mean: PlanValue, variance: PlanValue, unbiased: Float) {
    for (name, source, factor) in [(node.inputs[3], mean, Float(1)), (node.inputs[4], variance, unbiased)] {
      guard let slot = state.statisticSlots.first(where: { $0.name == name }) else { continue }
      let destination = PlanBuffer(.init(rebasing: state.batchStatistics[slot.range]), owner: state)
      let (from, count) = (source.buffer, slot.shape.elementCount)
      append(
        KernelStep("batch statistics \(name)", reads: [from], writes: [destination]) {
          for channel in 0..<count { destination.floats[channel] = factor * from.floats[channel] }
        })
    }
  }
}
