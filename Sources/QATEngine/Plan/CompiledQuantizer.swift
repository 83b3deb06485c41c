import CVectorKernels
import QATGraph

/// A quantizer of a plan with what it reads while the plan runs.
struct CompiledQuantizer {
  let op: FakeQuantize
  /// What stands in front of it and is computed together with it.
  let rectifier: Rectifier?
  /// The batch norm in front of both, computed together with them.
  let normalization: TrainingNormalization?
  /// What it, or the rectifier, or the batch norm, reads.
  let source: PlanValue
  /// Scale, or lower bound and range: one number each or one a channel.
  let parameters: [PlanBuffer]
  /// `qat_grid` of each channel, written at the beginning of each step.
  let grids: PlanBuffer

  /// How loops over channels with a grid each, or over all elements alike, see what it reads.
  var view: qat_channel_view { PlanCompiler.view(source.layout, channelAxis: op.channelAxis) }
  /// Grids, those of padding included.
  var gridCount: Int { view.channel_blocks * view.block }
  /// Channels with a grid each; 1 where there is one grid for all.
  var channels: Int { op.channelAxis.map { source.layout.shape[$0 < 0 ? $0 + source.layout.shape.count : $0] } ?? 1 }
  /// The first grid.
  var grid: UnsafePointer<qat_grid> { UnsafePointer(grids.pointer.assumingMemoryBound(to: qat_grid.self)) }

  /// The grid of a channel for the parameters as they are now.
  func grid(of channel: Int) -> FakeQuantize.Grid<Float> {
    parameters.count == 2
      ? op.floatGrid(inputLow: parameters[0].floats[channel], inputRange: parameters[1].floats[channel])
      : op.floatGrid(scale: parameters[0].floats[channel])
  }
}

/// What reaches a quantizer's parameters, a number for each grid, as qat_fake_quantize_backward says: of the extent, and of the lower bound.
struct QuantizerSums {
  let first: PlanBuffer
  let second: PlanBuffer
  var buffers: [PlanBuffer] { [first, second] }
}

extension FakeQuantize {
  /// What a value below the range adds to the gradient of the extent.
  var levelRatio: Float { Float(levelLow) / Float(levelHigh) }
}

/// The codes of a tensor, one byte an element.
struct TensorCodes {
  /// In which order they lie.
  enum Order: Hashable {
    /// [N, H, W, C], of a tensor [N, C, H, W].
    case channelsLast
    /// That of the tensor's axes.
    case rowMajor
  }

  /// A tensor in an order.
  struct Key: Hashable {
    let tensor: TensorName
    let order: Order
  }

  let order: Order
  let values: PlanBuffer
  /// A `qat_code_meaning`, whose first member is the zero point.
  let meaning: PlanBuffer
}

extension PlanBuffer {
  /// The contents as what codes mean.
  var meaning: UnsafeMutablePointer<qat_code_meaning> { pointer.assumingMemoryBound(to: qat_code_meaning.self) }

  /// Of what codes mean: whether the codes stand for something that was no number.
  var isUndefined: Bool { meaning.pointee.undefined != 0 }
}

extension TensorCodes.Order {
  /// Whether own loops turn a tensor of this layout into codes of this order, and back.
  func suits(_ layout: Layout) -> Bool {
    switch self {
    case .channelsLast: layout.shape.count == 4 && layout.channelBlock > 0
    case .rowMajor: layout.isPlain
    }
  }

  /// How the loops see the tensor, and its number of channels: as one where codes lie as floats do.
  func view(_ layout: Layout) -> (qat_channel_view, channels: Int) {
    switch self {
    case .channelsLast: (PlanCompiler.view(layout, channelAxis: 1), layout.shape[1])
    case .rowMajor: (PlanCompiler.view(layout, channelAxis: nil), 1)
    }
  }
}

extension PlanCompiler {
  /// The quantizer on whose grid a tensor's values lie: a maximum of such values is one of them, and moving them changes none.
  func quantizer(behind name: TensorName) -> CompiledQuantizer? {
    var name = name
    while let node = producer(of: name), Self.keepsGrid(node.op) { name = node.inputs[0] }
    return quantizers[name]
  }

  private static func keepsGrid(_ op: any Operator) -> Bool {
    op is MaxPool || op is Identity || op is Reshape || op is Flatten || op is Transpose || op is Slice
  }

  /// The codes of a tensor whose values lie on the grid of `quantizer`; computed once, where first asked for.
  func tensorCodes(_ name: TensorName, _ quantizer: CompiledQuantizer, _ order: TensorCodes.Order) throws -> TensorCodes {
    var name = name
    // Another shape of the same rows: the same codes.
    while order == .rowMajor, let node = producer(of: name), node.op is Reshape || node.op is Flatten || node.op is Identity { name = node.inputs[0] }
    let key = TensorCodes.Key(tensor: name, order: order)
    if let known = codes[key] { return known }
    // A batch norm in front sees channels.
    let normalization = order == .channelsLast ? quantizers[name]?.normalization : nil
    // Where the values were pooled or moved since, rounding to the grid again changes nothing.
    let isMade = quantizers[name] != nil && (quantizer.normalization == nil || normalization != nil)
    var source = isMade ? quantizer.source : try value(name)
    if !order.suits(source.layout) {
      source = try converted(source, to: order == .rowMajor ? .plain(shape(name)) : .blocked(shape(name)), "reorder \(name)")
    }
    let (view, channels) = order.view(source.layout)
    let result = TensorCodes(
      order: order, values: allocate(bytes: source.layout.shape.reduce(1, *)), meaning: allocate(bytes: MemoryLayout<qat_code_meaning>.stride))
    let (x, grids) = (source.buffer, quantizer.grids)
    append(
      KernelStep("codes of \(name)", reads: [x, grids] + (normalization?.numbers ?? []), writes: [result.values, result.meaning]) {
        if let normalization { return normalization.encode(x, quantizer, into: result) }
        qat_encode(view, channels, quantizer.grid, nil, x.floats, result.values.bytes, result.meaning.meaning)
      })
    codes[key] = result
    return result
  }

  /// The codes of a tensor, where they have been computed in an order that becomes this layout.
  func knownCodes(_ name: TensorName, for layout: Layout) -> TensorCodes? {
    let known = [TensorCodes.Order.rowMajor, .channelsLast].compactMap { codes[.init(tensor: name, order: $0)] }
    return known.first { $0.order.suits(layout) }
  }

  /// Appends the step that turns codes into the floats for which they stand.
  func appendValues(of codes: TensorCodes, _ layout: Layout, _ name: TensorName) -> PlanValue {
    let result = allocate(layout)
    let (view, channels) = codes.order.view(layout)
    let y = result.buffer
    append(
      KernelStep("values of \(name)", reads: [codes.values, codes.meaning], writes: [y]) {
        qat_decode(view, channels, codes.meaning.meaning, codes.values.bytes, y.floats)
      })
    return result
  }
}
