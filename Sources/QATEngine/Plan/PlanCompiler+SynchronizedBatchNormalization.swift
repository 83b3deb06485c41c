import CVectorKernels
import QATGraph
import QATTensor

extension PlanCompiler {
  /// Batch normalisation of a training step over the batches of several processes, together with a ReLU that alone reads the result.
  func synchronizedBatchNormalization(_ op: BatchNormalization, _ node: Node, _ index: Int, _ group: any NormalizationGroup) throws {
    var x = try value(node.inputs[0])
    if x.layout.channelBlock == 0 { x = try plainValue(node.inputs[0]) }
    let relu = soleConsumer(of: node.outputs[0]).flatMap { $0.node.op is Relu ? $0 : nil }
    if let relu { fuse(relu.index, into: index) }
    let output = relu?.node.outputs[0] ?? node.outputs[0]
    let normalization = try synchronizedNormalization(op, node, x, relu: relu != nil, group)
    let result = allocate(x.layout)
    define(output, result)
    let statistics = [node.inputs[3], node.inputs[4]].map { name in
      state.statisticSlots.first { $0.name == name }.map { PlanBuffer(.init(rebasing: state.batchStatistics[$0.range]), owner: state) }
    }
    let n = normalization
    let label = "BatchNormalization\(relu == nil ? "" : "+Relu") over ranks \(node.name)"
    append(
      KernelStep(
        "moments over ranks \(node.name)", reads: [x.buffer, n.gamma, n.beta],
        writes: [n.own, n.all, n.partial, n.sums, n.mean, n.scale, n.shift, n.inverse] + statistics.compactMap { $0 }, isOfAllProcesses: true
      ) {
        n.findMoments(x.buffer) { channel, mean, variance in
          statistics[0]?.floats[channel] = mean
          statistics[1]?.floats[channel] = variance
        }
      })
    append(KernelStep(label, reads: [x.buffer, n.mean, n.scale, n.shift], writes: [result.buffer]) { n.normalize(x.buffer, into: result.buffer) })
    onBackward(of: index) { [self] in
      guard let dy = try gradient(output) else { return }
      let dx = allocate(x.layout)
      let layout = try Layout.plain([n.channels])
      let (dGamma, dBeta) = (gradientDestination(node.inputs[1], layout), gradientDestination(node.inputs[2], layout))
      let (offset, slope) = (floats(n.paddedCount), floats(n.paddedCount))
      append(
        KernelStep(
          "BatchNormalization backward over ranks \(node.name)",
          reads: [x.buffer, dy.buffer, n.mean, n.scale, n.shift, n.inverse],
          writes: [dx.buffer, dGamma.buffer, dBeta.buffer, n.own, n.all, n.partial, n.sums, offset, slope], isOfAllProcesses: true
        ) {
          n.backward(x.buffer, dy.buffer, dx: dx.buffer, dGamma: dGamma.buffer, dBeta: dBeta.buffer, offset: offset, slope: slope)
        })
      try contribute(dx, to: node.inputs[0])
      try contribute(dGamma, to: node.inputs[1])
      try contribute(dBeta, to: node.inputs[2])
    }
  }

  private func synchronizedNormalization(
    _ op: BatchNormalization, _ node: Node, _ x: PlanValue, relu: Bool, _ group: any NormalizationGroup
  ) throws -> SynchronizedNormalization {
    let view = Self.view(x.layout, channelAxis: 1)
    let (channels, padded) = (x.layout.shape[1], view.channel_blocks * view.block)
    let message = SynchronizedNormalization.messageCount(channels: channels)
    return SynchronizedNormalization(
      view: view, channels: channels, epsilon: op.epsilon, relu: relu, group: group, gamma: try plainValue(node.inputs[1]).buffer,
      beta: try plainValue(node.inputs[2]).buffer, own: doubles(message), all: doubles(message * group.size),
      partial: floats(qat_normalization_partial_count(view)), sums: doubles(2 * padded), mean: floats(padded), scale: floats(padded),
      shift: floats(padded), inverse: floats(channels + 1))
  }

  private func floats(_ count: Int) -> PlanBuffer { allocate(bytes: count * MemoryLayout<Float>.size) }

  private func doubles(_ count: Int) -> PlanBuffer { allocate(bytes: count * MemoryLayout<Double>.size) }
}
