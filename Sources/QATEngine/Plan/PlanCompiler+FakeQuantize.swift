import CVectorKernels
import QATGraph
import QATTensor

/// A rectifier that is computed together with the quantizer that alone reads it: y = min(max(x, lower), upper), with a slope of 1 between the bounds.
struct Rectifier {
  /// What it reads.
  let input: TensorName
  let lower, upper: Float

  /// - Returns: nil for other operators.
  init?(_ node: Node) {
    input = node.inputs[0]
    switch node.op {
    case is Relu: (lower, upper) = (0, .infinity)
    case let clip as Clip where clip.lower <= clip.upper: (lower, upper) = (clip.lower, clip.upper)
    default: return nil
    }
  }
}

extension PlanCompiler {
  /// A rectifier and the quantizer behind it, in one pass forward and one backward.
  /// - Returns: false where the node is no rectifier, or others than a quantizer read it.
  func quantizedRectifier(_ node: Node, _ index: Int) throws -> Bool {
    guard let rectifier = Rectifier(node), let reader = soleConsumer(of: node.outputs[0]), let op = reader.node.as(FakeQuantize.self) else {
      return false
    }
    fuse(reader.index, into: index)
    return try fakeQuantization(op, reader.node, index, behind: rectifier)
  }

  /// Fake quantization in one pass forward and one backward, in the layout in which the tensor lies.
  func fakeQuantization(_ op: FakeQuantize, _ node: Node, _ index: Int, behind rectifier: Rectifier? = nil) throws -> Bool {
    let name = rectifier?.input ?? node.inputs[0]
    var x = try value(name)
    let isForeign = op.channelAxis != nil && (x.layout.channelBlock == 0 || (x.layout.channelBlock > 1 && op.channelAxis != 1))
    if isForeign || op.pairing != nil { x = try plainValue(name) }
    let view = Self.view(x.layout, channelAxis: op.channelAxis)
    let gridCount = view.channel_blocks * view.block
    let channels = op.channelAxis.map { x.layout.shape[$0 < 0 ? $0 + x.layout.shape.count : $0] } ?? 1
    let grids = allocate(bytes: gridCount * MemoryLayout<qat_grid>.stride)
    let parameters = try node.inputs.dropFirst().map { try plainValue($0).buffer }
    let quantizer = CompiledQuantizer(op: op, rectifier: rectifier, source: x, parameters: parameters, grids: grids)
    appendGrids(quantizer, channels: channels, count: gridCount, node.name)
    quantizers[node.outputs[0]] = quantizer
    let source = x.buffer
    let make = { [self] in
      if let known = knownCodes(node.outputs[0], for: x.layout) { return appendValues(of: known, x.layout, node.outputs[0]) }
      let result = allocate(x.layout)
      let destination = result.buffer
      append(
        KernelStep("FakeQuantize \(node.name)", reads: [source, grids], writes: [destination]) {
          qat_fake_quantize_forward(view, grids.pointer.assumingMemoryBound(to: qat_grid.self), source.floats, destination.floats)
        })
      if let pairing = op.pairing { appendLimit(pairing, x.layout.shape, grids, hasOneGrid: op.channelAxis == nil, destination, node.name) }
      return result
    }
    if forwardArithmetic == .integer, op.channelAxis == nil, op.pairing == nil, x.layout.channelBlock > 0 {
      define(node.outputs[0], x.layout, onDemand: make)
    } else {
      define(node.outputs[0], make())
    }
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      let dx = gradientDestination(name, x.layout)
      let partial = allocate(bytes: qat_fake_quantize_partial_count(view) * MemoryLayout<Float>.size)
      let sums = (allocate(bytes: gridCount * MemoryLayout<Float>.size), allocate(bytes: gridCount * MemoryLayout<Float>.size))
      let ratio = Float(op.levelLow) / Float(op.levelHigh)
      let (upstream, downstream) = (dy.buffer, dx.buffer)
      append(
        KernelStep("FakeQuantize backward \(node.name)", reads: [source, grids, upstream], writes: [downstream, partial, sums.0, sums.1]) {
          qat_fake_quantize_backward(
            view, grids.pointer.assumingMemoryBound(to: qat_grid.self), ratio, source.floats, upstream.floats, downstream.floats, partial.floats,
            sums.0.floats, sums.1.floats)
        })
      try contribute(dx, to: name)
      let layout = try Layout.plain([channels])
      if op.mode == .asymmetric {
        try contributeParameter(node.inputs[1], layout, sums.1) { _ in op.gradientMultiplier }
        try contributeParameter(node.inputs[2], layout, sums.0) { op.floatExtentSlope(at: parameters[1].floats[$0]) }
      } else {
        try contributeParameter(node.inputs[1], layout, sums.0) { op.floatExtentSlope(at: parameters[0].floats[$0]) }
      }
    }
    return true
  }

  /// The gradient of a raw parameter is that of what it stands for times `slope` of its channel.
  private func contributeParameter(_ name: TensorName, _ layout: Layout, _ sums: PlanBuffer, slope: @escaping (Int) -> Float) throws {
    guard wantsGradient(name) else { return }
    let gradient = gradientDestination(name, layout)
    let (destination, count) = (gradient.buffer, layout.elementCount)
    append(
      KernelStep("gradient of \(name)", reads: [sums], writes: [destination]) {
        for channel in 0..<count { destination.floats[channel] = slope(channel) * sums.floats[channel] }
      })
    try contribute(gradient, to: name)
  }

  private func appendGrids(_ quantizer: CompiledQuantizer, channels: Int, count: Int, _ name: String) {
    let grids = quantizer.grids
    append(
      KernelStep("grids of \(name)", reads: quantizer.parameters, writes: [grids]) {
        let grid = grids.pointer.assumingMemoryBound(to: qat_grid.self)
        for channel in 0..<channels {
          let exact = quantizer.grid(of: channel)
          grid[channel] = qat_grid(
            low: exact.low, high: exact.high, range: exact.range, k: exact.reciprocalStep, zero_point: exact.zeroPoint, origin: exact.origin,
            shift: exact.shift, lower: quantizer.rectifier?.lower ?? -.infinity, upper: quantizer.rectifier?.upper ?? .infinity)
        }
        // Lanes that pad the last block hold zeros, which every grid keeps.
        for padding in channels..<max(count, channels) { grid[padding] = grid[0] }
      })
  }

  /// A second pass over the values of a weight, which keeps the sums of neighbouring codes to what fits 16 bits.
  private func appendLimit(_ pairing: WeightPairing, _ shape: [Int], _ grids: PlanBuffer, hasOneGrid: Bool, _ values: PlanBuffer, _ name: String) {
    let pairs = pairing.neighbours(shape: shape)
    let neighbours = AlignedBuffer<qat_neighbours>(count: pairs.count)
    for (index, pair) in pairs.enumerated() { neighbours.pointer[index] = qat_neighbours(a: Int32(pair.0), b: Int32(pair.1)) }
    let (outputs, stride) = (shape[pairing.outputAxis], shape.rowMajorStrides[pairing.outputAxis])
    append(
      KernelStep("limit neighbours of \(name)", reads: [grids, values], writes: [values]) {
        qat_limit_neighbours(
          neighbours.pointer, neighbours.count, outputs, stride, grids.pointer.assumingMemoryBound(to: qat_grid.self), hasOneGrid ? 1 : 0,
          Float(WeightPairing.limit), values.floats)
      })
  }

  /// How a quantizer's loops walk over memory of this layout.
  static func view(_ layout: Layout, channelAxis: Int?) -> qat_channel_view {
    guard let channelAxis else { return qat_channel_view(outer: 1, channel_blocks: 1, inner: layout.elementCount, block: 1) }
    let shape = layout.shape
    let block = layout.channelBlock
    if block > 1 {
      return qat_channel_view(outer: shape[0], channel_blocks: layout.paddedChannels / block, inner: shape[2] * shape[3], block: block)
    }
    let axis = channelAxis < 0 ? channelAxis + shape.count : channelAxis
    return qat_channel_view(outer: shape[..<axis].reduce(1, *), channel_blocks: shape[axis], inner: shape[(axis + 1)...].reduce(1, *), block: 1)
  }
}
