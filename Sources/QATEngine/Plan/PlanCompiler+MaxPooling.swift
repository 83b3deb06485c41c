import CVectorKernels
import QATGraph

extension PlanCompiler {
  /// Max pooling under windows of 2 × 2 or 3 × 3 by stride 2 in training: its backward pass gathers what oneDNN scatters over zeros, in a third of the time or less.
  /// - Returns: nil for other windows and layouts.
  func stridedMaxPooling(_ w: WindowArguments, _ node: Node, _ index: Int, _ x: PlanValue, to: [Int]) throws -> PlanValue? {
    let (from, block) = (x.layout.shape, x.layout.channelBlock)
    guard mode == .training, [8, 16].contains(block), [[2, 2], [3, 3]].contains(w.kernel), w.strides == [2, 2], w.dilations == [0, 0],
      (w.padsBegin + w.padsEnd).allSatisfy({ $0 < w.kernel[0] }), w.padsBegin.allSatisfy({ $0 >= 0 })
    else { return nil }
    let layout = try Layout.blocked(to)
    guard layout.channelBlock == block else { return nil }
    let pooling = qat_max_pooling(
      planes: from[0] * x.layout.paddedChannels / block, block: block, in_height: from[2], in_width: from[3], out_height: to[2], out_width: to[3],
      kernel: Int(w.kernel[0]), pad_top: Int(w.padsBegin[0]), pad_left: Int(w.padsBegin[1]))
    let (result, taps) = (allocate(layout), allocate(bytes: layout.elementCount))
    append(
      KernelStep("\(node.type) \(node.name)", reads: [x.buffer], writes: [result.buffer, taps]) {
        qat_max_pooling_forward(pooling, x.buffer.floats, result.buffer.floats, taps.bytes)
      })
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      try contributeGradient(of: node.inputs[0], in: x.layout) { dx in
        KernelStep("\(node.type) backward \(node.name)", reads: [dy.buffer, taps], writes: [dx.buffer]) {
          qat_max_pooling_backward(pooling, dy.buffer.floats, taps.bytes, dx.buffer.floats)
        }
      }
    }
    return result
  }
}
