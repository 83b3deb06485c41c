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

/// A quantizer that alone reads a tensor, itself or behind a rectifier that does.
struct SoleQuantizer {
  let op: FakeQuantize
  let node: Node
  let rectifier: Rectifier?
  /// The nodes of both.
  let indices: [Int]
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

  /// The quantizer that alone reads a tensor, itself or behind a rectifier.
  func soleQuantizer(of name: TensorName) -> SoleQuantizer? {
    guard let reader = soleConsumer(of: name) else { return nil }
    if let op = reader.node.as(FakeQuantize.self) { return SoleQuantizer(op: op, node: reader.node, rectifier: nil, indices: [reader.index]) }
    guard let rectifier = Rectifier(reader.node), let next = soleConsumer(of: reader.node.outputs[0]), let op = next.node.as(FakeQuantize.self) else {
      return nil
    }
    return SoleQuantizer(op: op, node: next.node, rectifier: rectifier, indices: [reader.index, next.index])
  }

  /// Fake quantization in one pass forward and one backward, in the layout in which the tensor lies.
  func fakeQuantization(_ op: FakeQuantize, _ node: Node, _ index: Int, behind rectifier: Rectifier? = nil) throws -> Bool {
    let name = rectifier?.input ?? node.inputs[0]
    var x = try value(name)
    let isForeign = op.channelAxis != nil && (x.layout.channelBlock == 0 || (x.layout.channelBlock > 1 && op.channelAxis != 1))
    if isForeign || op.pairing != nil { x = try plainValue(name) }
    let quantizer = try compiledQuantizer(op, node, of: x, behind: rectifier)
    defineValues(of: quantizer, node)
    onBackward(of: index) { [self] in
      guard let dy = try gradient(node.outputs[0]) else { return }
      let dx = gradientDestination(name, x.layout)
      let view = quantizer.view
      let partial = allocate(bytes: qat_fake_quantize_partial_count(view) * MemoryLayout<Float>.size)
      let sums = sums(for: quantizer)
      let (source, upstream, downstream) = (x.buffer, dy.buffer, dx.buffer)
      append(
        KernelStep(
          "FakeQuantize backward \(node.name)", reads: [source, quantizer.grids, upstream], writes: [downstream, partial] + sums.buffers
        ) {
          qat_fake_quantize_backward(
            view, quantizer.grid, op.levelRatio, source.floats, upstream.floats, downstream.floats, partial.floats, sums.first.floats,
            sums.second.floats)
        })
      try contribute(dx, to: name)
      try contribute(sums, to: node, of: quantizer)
    }
    return true
  }

  /// A quantizer of `source`, whose grids are computed from here on.
  func compiledQuantizer(
    _ op: FakeQuantize, _ node: Node, of source: PlanValue, behind rectifier: Rectifier?, and normalization: TrainingNormalization? = nil
  ) throws -> CompiledQuantizer {
    let view = Self.view(source.layout, channelAxis: op.channelAxis)
    let quantizer = CompiledQuantizer(
      op: op, rectifier: rectifier, normalization: normalization, source: source,
      parameters: try node.inputs.dropFirst().map { try plainValue($0).buffer },
      grids: allocate(bytes: view.channel_blocks * view.block * MemoryLayout<qat_grid>.stride))
    appendGrids(quantizer, node.name)
    quantizers[node.outputs[0]] = quantizer
    return quantizer
  }

  /// Says how the values of a quantizer are made: where first asked for, if codes may do instead.
  func defineValues(of quantizer: CompiledQuantizer, _ node: Node) {
    let (op, layout) = (quantizer.op, quantizer.source.layout)
    let make = { [self] in
      if let known = knownCodes(node.outputs[0], for: layout) { return appendValues(of: known, layout, node.outputs[0]) }
      let result = allocate(layout)
      appendValues(of: quantizer, node, into: result.buffer)
      return result
    }
    if forwardArithmetic == .integer, op.channelAxis == nil, op.pairing == nil, layout.channelBlock > 0 {
      define(node.outputs[0], layout, onDemand: make)
    } else {
      define(node.outputs[0], make())
    }
  }

  private func appendValues(of quantizer: CompiledQuantizer, _ node: Node, into values: PlanBuffer) {
    let (x, view) = (quantizer.source, quantizer.view)
    if let normalization = quantizer.normalization {
      append(
        KernelStep("BatchNormalization+FakeQuantize \(node.name)", reads: [x.buffer, quantizer.grids] + normalization.numbers, writes: [values]) {
          normalization.normalize(x.buffer, into: values, quantizer: quantizer)
        })
      return
    }
    append(
      KernelStep("FakeQuantize \(node.name)", reads: [x.buffer, quantizer.grids], writes: [values]) {
        qat_fake_quantize_forward(view, quantizer.grid, x.buffer.floats, values.floats)
      })
    if let pairing = quantizer.op.pairing { appendLimit(pairing, quantizer, values, node.name) }
  }

  /// Memory for what reaches a quantizer's parameters.
  func sums(for quantizer: CompiledQuantizer) -> QuantizerSums {
    let bytes = quantizer.gridCount * MemoryLayout<Float>.size
    return QuantizerSums(first: allocate(bytes: bytes), second: allocate(bytes: bytes))
  }

  /// The gradients of the parameters of a quantizer's node.
  func contribute(_ sums: QuantizerSums, to node: Node, of quantizer: CompiledQuantizer) throws {
    let (op, parameters) = (quantizer.op, quantizer.parameters)
    let layout = try Layout.plain([quantizer.channels])
    if op.mode == .asymmetric {
      try contributeParameter(node.inputs[1], layout, sums.second) { _ in op.gradientMultiplier }
      try contributeParameter(node.inputs[2], layout, sums.first) { op.floatExtentSlope(at: parameters[1].floats[$0]) }
    } else {
      try contributeParameter(node.inputs[1], layout, sums.first) { op.floatExtentSlope(at: parameters[0].floats[$0]) }
    }
  }

  /// The gradient of a raw parameter is that of what it stands for times `slope` of its channel.
  private func contributeParameter(_ name: TensorName, _ layout: Layout, _ sums: PlanBuffer, slope: @escaping (Int) -> Float) throws {
    let count = layout.elementCount
    try contributeGradient(of: name, in: layout) { gradient in
      KernelStep("gradient of \(name)", reads: [sums], writes: [gradient.buffer]) {
        for channel in 0..<count { gradient.buffer.floats[channel] = slope(channel) * sums.floats[channel] }
      }
    }
  }

  private func appendGrids(_ quantizer: CompiledQuantizer, _ name: String) {
    let (grids, channels, count) = (quantizer.grids, quantizer.channels, quantizer.gridCount)
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
  private func appendLimit(_ pairing: WeightPairing, _ quantizer: CompiledQuantizer, _ values: PlanBuffer, _ name: String) {
    let shape = quantizer.source.layout.shape
    let pairs = pairing.neighbours(shape: shape)
    let neighbours = AlignedBuffer<qat_neighbours>(count: pairs.count)
    for (index, pair) in pairs.enumerated() { neighbours.pointer[index] = qat_neighbours(a: Int32(pair.0), b: Int32(pair.1)) }
    let (outputs, stride) = (shape[pairing.outputAxis], shape.rowMajorStrides[pairing.outputAxis])
    append(
      KernelStep("limit neighbours of \(name)", reads: [quantizer.grids, values], writes: [values]) {
        qat_limit_neighbours(
          neighbours.pointer, neighbours.count, outputs, stride, quantizer.grid, quantizer.op.channelAxis == nil ? 1 : 0,
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
