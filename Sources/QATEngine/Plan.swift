import QATGraph
import QATTensor

/// A graph compiled for one batch size: buffers and primitives made once, then run again and again.
///
/// Activations stay in one fast layout from layer to layer; all memory is laid out up front, and a step allocates nothing of ours as long as every
/// operator has a fast path. Shares its parameters with other plans over the same `ModelState`. Used from one thread.
public final class Plan {
  /// What the plan is for.
  public enum Mode: Sendable, Hashable {
    /// Batch norm uses the batch's statistics (and leaves them in `ModelState.batchStatistics`), dropout drops, `backward` can follow.
    case training
    /// Batch norm uses the running statistics; each sample's outputs depend on that sample alone.
    case evaluation
  }

  /// Number of samples in a batch.
  public let batchSize: Int
  /// What the plan is for.
  public let mode: Mode
  /// Size of the memory that activations and their gradients share.
  public let arenaByteCount: Int
  /// What is computed twice to keep that memory small.
  public let recomputation: Recomputation

  /// In which arithmetic each convolution and linear layer runs, in the order of the nodes.
  public let layers: [LayerArithmetic]

  /// Notes when each kernel runs, where it records; nil for nobody.
  public var recorder: StepRecorder?

  private let forwardSteps: [Step]
  private let backwardSteps: [Step]
  private let finishedAfter: [Int]
  private let run = PlanRun()
  private let arena: AlignedBuffer<UInt8>
  private let inputs: [TensorName: AlignedBuffer<Float>]
  private let results: [TensorName: AlignedBuffer<Float>]
  private let resultGradients: [TensorName: AlignedBuffer<Float>]
  // What the buffers of the steps point into.
  private let state: ModelState

  /// Compiles a graph.
  /// - Parameters:
  ///   - graph: a validated graph.
  ///   - state: the graph's parameters and statistics.
  ///   - batchSize: samples in a batch.
  ///   - mode: training or evaluation.
  ///   - arithmetic: in which arithmetic quantized layers run forward.
  ///   - observed: tensors besides the outputs whose values can be read after `forward`, each with memory of its own.
  ///   - passing: tensors that `forward` shows as soon as they are computed, and that take no more memory for it.
  ///   - group: processes whose batches batch norm normalises together in training; nil normalises this process's batch alone.
  ///   - memoryLimit: the most bytes of `arenaByteCount`, for which activations are computed again in the backward pass where that is cheapest, with the same
  ///     bits, and not where they fit; nil computes again what costs next to nothing, no more than 2 % of a step in all, as estimated.
  ///   - other: a plan whose memory for activations this one uses as well, where it suffices: nothing stays there from one run to the next. Neither runs between
  ///     the other's `forward` and `backward`.
  /// - Throws: `GraphError` when a shape does not fit or an operator cannot run; `EngineError` when oneDNN refuses; `MemoryLimitError` when the limit is too
  ///   low.
  public init(
    _ graph: Graph, state: ModelState, batchSize: Int, mode: Mode, arithmetic: ForwardArithmetic = .integer, observed: [TensorName] = [],
    passing: [TensorName] = [], group: (any NormalizationGroup)? = nil, memoryLimit: Int? = nil, sharingMemoryOf other: Plan? = nil
  ) throws {
    let compiler = try PlanCompiler(
      graph, state: state, batchSize: batchSize, mode: mode, arithmetic: arithmetic, observed: observed, passing: passing, group: group, run: run)
    layers = compiler.layers
    self.batchSize = batchSize
    self.mode = mode
    self.state = state
    let table = StepTable(forward: compiler.forward, backward: compiler.backward, buffers: compiler.buffers)
    let (schedule, layout, recomputation) = try Schedule.fitting(table, within: memoryLimit)
    self.recomputation = recomputation
    arenaByteCount = layout.byteCount
    arena = other.flatMap { $0.arena.count >= layout.byteCount ? $0.arena : nil } ?? AlignedBuffer(count: layout.byteCount)
    layout.place(in: arena)
    forwardSteps = compiler.forward
    backwardSteps = schedule.order[table.forwardCount...].map { table.steps[$0] }
    var finished = 0
    finishedAfter = (table.forwardCount..<schedule.order.count).map { place in
      // What runs again finishes no gradient.
      if schedule.order[place] == schedule.purposes[place] { finished = compiler.finishedAfter[schedule.order[place] - table.forwardCount] }
      return finished
    }
    inputs = compiler.inputs
    results = compiler.results
    resultGradients = compiler.resultGradients
    for step in forwardSteps { try step.bind() }
    for step in backwardSteps { try step.bind() }
  }

  /// Seed of dropout's random numbers.
  public var seed: UInt64 {
    get { run.seed }
    set { run.seed = newValue }
  }

  /// The memory of an input, row-major [batch, ...], to be filled before `forward` and left alone until `backward` has read it.
  /// - Precondition: the graph has an input of that name.
  public func input(_ name: TensorName) -> UnsafeMutableBufferPointer<Float> { memory(inputs, name, "input") }

  /// Is given a tensor that has just been computed: its name and its values, row-major.
  public typealias Observer = (TensorName, UnsafeBufferPointer<Float>) -> Void

  /// Computes the outputs and shows the tensors in `passing`.
  /// - Parameter observe: called with each of them once, in the order in which they are computed. What it is given lasts as long as the call.
  public func forward(observe: Observer) {
    withoutActuallyEscaping(observe) { observe in
      run.observer = observe
      forward()
      run.observer = nil
    }
  }

  /// Computes the outputs.
  /// - Parameters:
  ///   - step: number of the step, part of the key of dropout's random numbers.
  ///   - firstSample: index of the batch's first sample in the global batch, likewise.
  public func forward(step: UInt64 = 0, firstSample: Int = 0) {
    run.step = step
    run.firstSample = firstSample
    for step in forwardSteps { perform(step) }
  }

  /// The values of an output or observed tensor after `forward`, row-major.
  /// - Precondition: the tensor is an output or observed.
  public func output(_ name: TensorName) -> UnsafeBufferPointer<Float> { UnsafeBufferPointer(memory(results, name, "output")) }

  /// The memory of the loss's gradient with respect to an output, row-major, to be filled before `backward`.
  /// - Precondition: the tensor is an output that depends on a parameter, and the plan is for training.
  public func outputGradient(_ name: TensorName) -> UnsafeMutableBufferPointer<Float> { memory(resultGradients, name, "output with a gradient") }

  /// Computes the gradients of all parameters into `ModelState.gradients`, replacing what was there.
  /// - Parameter progress: called between kernels with the number of leading elements of `gradients` that are complete.
  /// - Precondition: the plan is for training and `forward` has run.
  public func backward(progress: (Int) -> Void = { _ in }) {
    for index in backwardSteps.indices {
      perform(backwardSteps[index])
      progress(finishedAfter[index])
    }
  }

  private func perform(_ step: Step) {
    if let recorder { recorder.run(step) } else { step.run() }
  }

  private func memory(_ table: [TensorName: AlignedBuffer<Float>], _ name: TensorName, _ role: String) -> UnsafeMutableBufferPointer<Float> {
    guard let memory = table[name] else { preconditionFailure("the plan has no \(role) '\(name)', only \(table.keys.sorted())") }
    return memory.elements
  }
}
