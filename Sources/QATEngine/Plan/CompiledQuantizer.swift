import CVectorKernels
import QATGraph

/// A quantizer of a plan with what it reads while the plan runs.
struct CompiledQuantizer {
  let op: FakeQuantize
  /// What it quantizes.
  let source: PlanValue
  /// Scale, or lower bound and range: one number each or one a channel.
  let parameters: [PlanBuffer]
  /// `qat_grid` of each channel, written at the beginning of each step.
  let grids: PlanBuffer

  /// The grid of a channel for the parameters as they are now.
  func grid(of channel: Int) -> FakeQuantize.Grid<Float> {
    parameters.count == 2
      ? op.floatGrid(inputLow: parameters[0].floats[channel], inputRange: parameters[1].floats[channel])
      : op.floatGrid(scale: parameters[0].floats[channel])
  }
}

/// The codes of a tensor, one byte an element, channels last.
struct TensorCodes {
  let values: PlanBuffer
  /// A `qat_code_meaning`, whose first member is the zero point.
  let meaning: PlanBuffer
}

extension PlanBuffer {
  /// The contents as what codes mean.
  fileprivate var meaning: UnsafeMutablePointer<qat_code_meaning> { pointer.assumingMemoryBound(to: qat_code_meaning.self) }

  /// Of what codes mean: whether the codes stand for something that was no number.
  var isUndefined: Bool { meaning.pointee.undefined != 0 }
}

extension PlanCompiler {
  /// Whether own loops turn a tensor of this layout into codes: [N, C, H, W] in row-major order or in blocks of channels.
  static func holdsCodes(_ layout: Layout) -> Bool { layout.shape.count == 4 && layout.channelBlock > 0 }

  /// The quantizer on whose grid a tensor's values lie: a maximum of such values is one of them.
  func quantizer(behind name: TensorName) -> CompiledQuantizer? {
    var name = name
    while let node = producer(of: name), node.op is MaxPool { name = node.inputs[0] }
    return quantizers[name]
  }

  /// The codes of a tensor whose values lie on the grid of `quantizer`; computed once, where first asked for.
  func tensorCodes(_ name: TensorName, _ quantizer: CompiledQuantizer) throws -> TensorCodes {
    if let known = codes[name] { return known }
    // Behind a pooling, rounding to the grid again changes nothing.
    var source = quantizers[name] == nil ? try value(name) : quantizer.source
    if !Self.holdsCodes(source.layout) { source = try converted(source, to: .blocked(shape(name)), "reorder \(name)") }
    let view = Self.view(source.layout, channelAxis: 1)
    let channels = source.layout.shape[1]
    let result = TensorCodes(
      values: allocate(bytes: source.layout.shape.reduce(1, *)), meaning: allocate(bytes: MemoryLayout<qat_code_meaning>.stride))
    let (x, grids) = (source.buffer, quantizer.grids)
    append(
      KernelStep("codes of \(name)", reads: [x, grids], writes: [result.values, result.meaning]) {
        qat_encode(
          view, channels, grids.pointer.assumingMemoryBound(to: qat_grid.self), x.floats, result.values.bytes, result.meaning.meaning)
      })
    codes[name] = result
    return result
  }

  /// Appends the step that turns codes into the floats for which they stand.
  func appendValues(of codes: TensorCodes, _ layout: Layout, _ name: TensorName) -> PlanValue {
    let result = allocate(layout)
    let view = Self.view(layout, channelAxis: 1)
    let channels = layout.shape[1]
    let y = result.buffer
    append(
      KernelStep("values of \(name)", reads: [codes.values, codes.meaning], writes: [y]) {
        qat_decode(view, channels, codes.meaning.meaning, codes.values.bytes, y.floats)
      })
    return result
  }
}
