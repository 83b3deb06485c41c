import CVectorKernels
import QATGraph
import QATTensor

extension PlanCompiler {
  /// Batch normalisation by the statistics of the batch, of this process or of several, in the same passes as a quantizer that alone reads the result (and a
  /// rectifier in front of it), or as a ReLU. Nothing of what was normalised is kept: the backward pass computes it again from what it reads anyway.
  ///
  /// Not by oneDNN, which adds each channel's values up one after the other in float32: its statistics of 200,000 values are off by up to 5e-5 of the variance,
  /// those of `TrainingNormalization` by 1e-7.
  func trainingNormalization(_ op: BatchNormalization, _ node: Node, _ index: Int) throws {
    var x = try value(node.inputs[0])
    let reader = soleQuantizer(of: node.outputs[0]).flatMap { suits($0.op, x.layout) ? $0 : nil }
    if x.layout.channelBlock == 0 { x = try plainValue(node.inputs[0]) }
    let relu = reader == nil ? soleConsumer(of: node.outputs[0]).flatMap { $0.node.op is Relu ? $0 : nil } : nil
    let n = try normalization(op, node, x, relu: relu != nil)
    appendMoments(n, node, x.buffer)
    if let reader {
      for number in reader.indices { fuse(number, into: index) }
      let quantizer = try compiledQuantizer(reader.op, reader.node, of: x, behind: reader.rectifier, and: n)
      defineValues(of: quantizer, reader.node)
      normalizationGradients(n, node, index, x, of: reader.node.outputs[0], quantizer: (quantizer, reader.node))
    } else {
      if let relu { fuse(relu.index, into: index) }
      let (output, result) = (relu?.node.outputs[0] ?? node.outputs[0], allocate(x.layout))
      define(output, result)
      append(
        KernelStep("BatchNormalization\(relu == nil ? "" : "+Relu") \(node.name)", reads: [x.buffer] + n.numbers, writes: [result.buffer]) {
          n.normalize(x.buffer, into: result.buffer)
        })
      normalizationGradients(n, node, index, x, of: output, quantizer: nil)
    }
  }

  /// Whether a quantizer's grids are those of a normalised tensor of this layout, or one for all of it.
  private func suits(_ quantizer: FakeQuantize, _ layout: Layout) -> Bool {
    layout.channelBlock > 0 && layout.shape.count > 2 && quantizer.pairing == nil && [nil, 1, 1 - layout.shape.count].contains(quantizer.channelAxis)
  }

  private func appendMoments(_ n: TrainingNormalization, _ node: Node, _ x: PlanBuffer) {
    let statistics = [node.inputs[3], node.inputs[4]].map { name in
      state.statisticSlots.first { $0.name == name }.map { PlanBuffer(.init(rebasing: state.batchStatistics[$0.range]), owner: state) }
    }
    let scratch = scratch(n)
    append(
      KernelStep(
        "BatchNormalization moments \(node.name)", reads: [x, n.gamma, n.beta],
        writes: n.numbers + [n.inverse] + scratch.buffers + statistics.compactMap { $0 }, isOfAllProcesses: group != nil
      ) {
        n.findMoments(x, scratch) { channel, mean, variance in
          statistics[0]?.floats[channel] = mean
          statistics[1]?.floats[channel] = variance
        }
      })
  }

  /// Registers the backward step of a batch norm whose result, with what follows in the same pass, is `output`.
  private func normalizationGradients(
    _ n: TrainingNormalization, _ node: Node, _ index: Int, _ x: PlanValue, of output: TensorName, quantizer: (CompiledQuantizer, Node)?
  ) {
    onBackward(of: index) { [self] in
      guard let dy = try gradient(output) else { return }
      let dx = allocate(x.layout)
      let layout = try Layout.plain([n.channels])
      let (dGamma, dBeta) = (gradientDestination(node.inputs[1], layout), gradientDestination(node.inputs[2], layout))
      let (scratch, offset, slope) = (scratch(n), floats(n.paddedCount), floats(n.paddedCount))
      let quantized = quantizer.map { ($0.0, sums(for: $0.0)) }
      let label = "BatchNormalization\(quantizer == nil ? "" : "+FakeQuantize") backward \(node.name)"
      append(
        KernelStep(
          label, reads: [x.buffer, dy.buffer, n.inverse] + n.numbers + (quantized.map { [$0.0.grids] } ?? []),
          writes: [dx.buffer, dGamma.buffer, dBeta.buffer, offset, slope] + scratch.buffers + (quantized?.1.buffers ?? []),
          isOfAllProcesses: group != nil
        ) {
          n.backward(
            x.buffer, dy.buffer, scratch, dx: dx.buffer, dGamma: dGamma.buffer, dBeta: dBeta.buffer, offset: offset, slope: slope,
            quantizer: quantized)
        })
      try contribute(dx, to: node.inputs[0])
      try contribute(dGamma, to: node.inputs[1])
      try contribute(dBeta, to: node.inputs[2])
      if let quantizer, let quantized { try contribute(quantized.1, to: quantizer.1, of: quantizer.0) }
    }
  }

  private func normalization(_ op: BatchNormalization, _ node: Node, _ x: PlanValue, relu: Bool) throws -> TrainingNormalization {
    let view = Self.view(x.layout, channelAxis: 1)
    let (channels, padded) = (x.layout.shape[1], view.channel_blocks * view.block)
    return TrainingNormalization(
      view: view, channels: channels, epsilon: op.epsilon, relu: relu, group: group, gamma: try plainValue(node.inputs[1]).buffer,
      beta: try plainValue(node.inputs[2]).buffer, mean: floats(padded), scale: floats(padded), shift: floats(padded), inverse: floats(channels + 1))
  }

  private func scratch(_ n: TrainingNormalization) -> TrainingNormalization.Scratch {
    let count = TrainingNormalization.messageCount(channels: n.channels)
    let own = doubles(count)
    return TrainingNormalization.Scratch(
      own: own, all: group.map { doubles(count * $0.size) } ?? own, partial: floats(qat_normalization_partial_count(n.view)),
      sums: doubles(4 * n.paddedCount))
  }

  private func floats(_ count: Int) -> PlanBuffer { allocate(bytes: count * MemoryLayout<Float>.size) }

  private func doubles(_ count: Int) -> PlanBuffer { allocate(bytes: count * MemoryLayout<Double>.size) }
}
