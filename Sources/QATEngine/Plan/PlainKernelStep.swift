import QATGraph
import QATTensor

/// A node on its plain kernel, forward, in row-major order. Slow, and it allocates; coverage never waits for speed.
final class PlainKernelStep: Step {
  private let call: PlainKernelCall

  init(_ call: PlainKernelCall) {
    self.call = call
    super.init(label: "\(call.node.type) \(call.node.name)", reads: call.inputs.compactMap { $0?.buffer }, writes: call.outputs.map(\.buffer))
    bytesPerNanosecond = PlainKernelCall.bytesPerNanosecond
  }

  // Random numbers are drawn by the step's key, the same each time; statistics of the batch go where the training loop collects them.
  override var isRepeatable: Bool { call.statistics.allSatisfy { $0 == nil } }

  override func run() {
    let result = call.kernel.forwardInFloat(call.inputs.map { $0?.array }, call.context)
    for (value, array) in zip(call.outputs, result.outputs) { value.store(array) }
    for (input, array) in result.statistics {
      if let slot = call.statistics[input] { _ = call.state.batchStatistics[slot.range].update(fromContentsOf: array.elements) }
    }
  }
}

/// A node on its plain kernel, backward.
final class PlainKernelBackwardStep: Step {
  private let call: PlainKernelCall
  private let upstream: [PlanValue?]
  private let wanted: [PlanValue?]

  init(_ call: PlainKernelCall, upstream: [PlanValue?], wanted: [PlanValue?]) {
    self.call = call
    self.upstream = upstream
    self.wanted = wanted
    super.init(
      label: "\(call.node.type) backward \(call.node.name)",
      reads: call.inputs.compactMap { $0?.buffer } + call.outputs.map(\.buffer) + upstream.compactMap { $0?.buffer },
      writes: wanted.compactMap { $0?.buffer })
    bytesPerNanosecond = PlainKernelCall.bytesPerNanosecond
  }

  override func run() {
    let gradients = zip(upstream, call.outputs).map { $0?.array ?? NDArray(repeating: 0, shape: $1.layout.shape) }
    let results = call.kernel.backwardInFloat(
      inputs: call.inputs.map { $0?.array }, outputs: call.outputs.map(\.array), outputGradients: gradients, call.context)
    for (value, array) in zip(wanted, results) {
      if let value, let array { value.store(array) }
    }
  }
}

/// What the forward and the backward step of a plain kernel share.
struct PlainKernelCall {
  /// Plain loops, and copies on both sides of them.
  static let bytesPerNanosecond = 0.5

  let node: Node
  let index: Int
  let kernel: any ReferenceKernel
  let inputs: [PlanValue?]
  let outputs: [PlanValue]
  /// Where running statistics among the inputs lie.
  let statistics: [ModelState.Slot?]
  let state: ModelState
  let mode: Plan.Mode
  let run: PlanRun
  let batchSize: Int

  var context: KernelContext {
    KernelContext(mode: mode, seed: run.seed, step: run.step, node: index, firstSample: run.firstSample, batchSize: batchSize)
  }
}

extension PlanValue {
  /// A copy of row-major contents.
  fileprivate var array: NDArray<Float> {
    NDArray(Array(UnsafeBufferPointer(start: buffer.floats, count: layout.shape.elementCount)), shape: layout.shape)
  }

  /// Fills row-major contents.
  fileprivate func store(_ array: NDArray<Float>) {
    _ = UnsafeMutableBufferPointer(start: buffer.floats, count: layout.shape.elementCount).update(fromContentsOf: array.elements)
  }
}
