import QATGraph
import QATTensor
import RealModule

/// An operator that can be run and differentiated in plain Swift, in NCHW, in Float and in Double.
///
/// These kernels say what the network means. Fast ones are tested against them, and operators without a fast one run on them.
public protocol ReferenceKernel: EvaluableOperator {
  /// Whether some input has a gradient. What has none may stand only where nothing before it is trained, or where its result is no floating point.
  static var isDifferentiable: Bool { get }

  /// Computes the outputs.
  /// - Parameters:
  ///   - inputs: one entry an input; nil where an optional input is absent. Their shapes are ones that `outputTypes` accepts.
  ///   - context: mode and randomness.
  /// - Returns: the outputs, and in training what the batch says about running statistics.
  func forward<S>(_ inputs: [NDArray<S>?], _ context: KernelContext) -> KernelResult<S>

  /// Computes the gradient of a loss with respect to each input from that with respect to each output.
  /// - Parameters:
  ///   - inputs: what `forward` was given.
  ///   - outputs: what `forward` returned.
  ///   - outputGradients: gradients of the loss with respect to the outputs, in their shapes.
  ///   - context: what `forward` was given.
  /// - Returns: one entry an input, in its shape; nil where an input is absent or no gradient exists (running statistics).
  func backward<S>(inputs: [NDArray<S>?], outputs: [NDArray<S>], outputGradients: [NDArray<S>], _ context: KernelContext) -> [NDArray<S>?]

  /// `forward` in Float. Every operator has it by default; it is a requirement because a call through `any ReferenceKernel` reaches compiled-for-Float
  /// code only where the requirement itself says Float: a generic requirement runs unspecialised there, many times slower.
  func forwardInFloat(_ inputs: [NDArray<Float>?], _ context: KernelContext) -> KernelResult<Float>

  /// `forward` in Double, for the same reason.
  func forwardInDouble(_ inputs: [NDArray<Double>?], _ context: KernelContext) -> KernelResult<Double>

  /// `backward` in Float, for the same reason.
  func backwardInFloat(
    inputs: [NDArray<Float>?], outputs: [NDArray<Float>], outputGradients: [NDArray<Float>], _ context: KernelContext
  ) -> [NDArray<Float>?]
}

extension ReferenceKernel {
  /// As most operators are.
  public static var isDifferentiable: Bool { true }

  /// Calls `forward`, which the compiler specialises here.
  public func forwardInFloat(_ inputs: [NDArray<Float>?], _ context: KernelContext) -> KernelResult<Float> { forward(inputs, context) }

  /// Calls `forward`, likewise.
  public func forwardInDouble(_ inputs: [NDArray<Double>?], _ context: KernelContext) -> KernelResult<Double> { forward(inputs, context) }

  /// Calls `backward`, likewise.
  public func backwardInFloat(
    inputs: [NDArray<Float>?], outputs: [NDArray<Float>], outputGradients: [NDArray<Float>], _ context: KernelContext
  ) -> [NDArray<Float>?] {
    backward(inputs: inputs, outputs: outputs, outputGradients: outputGradients, context)
  }
}

/// What an operator computed.
public struct KernelResult<S: Real & BinaryFloatingPoint & Sendable>: Sendable {
  /// The outputs, in order.
  public var outputs: [NDArray<S>]
  /// What the batch says about running statistics, by the index of the input that holds them: in training, batch normalisation leaves the batch's mean
  /// at 3 and its unbiased variance at 4. Empty otherwise.
  public var statistics: [Int: NDArray<S>]

  /// A result.
  public init(_ outputs: [NDArray<S>], statistics: [Int: NDArray<S>] = [:]) {
    self.outputs = outputs
    self.statistics = statistics
  }
}

/// What a kernel knows besides its inputs.
public struct KernelContext: Sendable, Hashable {
  /// Training or evaluation.
  public var mode: Plan.Mode
  /// Where dropout's random numbers come from: keyed by seed, step and node, one number an element.
  public var randomKey: RandomKey
  /// Index of the batch's first sample in the global batch, so that the masks of a batch do not depend on how ranks share it.
  public var firstSample: Int
  /// Samples in the batch, for operators that repeat something for each of them.
  public var batchSize: Int

  /// A context.
  /// - Parameters:
  ///   - mode: training or evaluation.
  ///   - seed: the run's seed.
  ///   - step: number of the training step.
  ///   - node: index of the node in its graph.
  ///   - firstSample: index of the batch's first sample in the global batch.
  ///   - batchSize: samples in the batch.
  public init(mode: Plan.Mode, seed: UInt64 = 0, step: UInt64 = 0, node: Int = 0, firstSample: Int = 0, batchSize: Int = 1) {
    self.mode = mode
    // The key holds 32 bits of the step: no run is longer.
    randomKey = RandomKey(seed: seed, purpose: .dropout, Int(UInt32(truncatingIfNeeded: step)), node)
    self.firstSample = firstSample
    self.batchSize = batchSize
  }
}

/// The plain kernels of a node's operator.
/// - Throws: `GraphError` naming the node when its operator has none.
public func requireKernel(for node: Node) throws(GraphError) -> any ReferenceKernel {
  guard let kernel = node.op as? any ReferenceKernel else {
    throw GraphError(node: node.name, "the operator \(node.type) has no kernel, so the network cannot run; conform it to ReferenceKernel")
  }
  return kernel
}

extension ReferenceKernel {
  /// The input at `index`, which validated graphs have.
  func operand<S>(_ inputs: [NDArray<S>?], _ index: Int) -> NDArray<S> {
    guard index < inputs.count, let array = inputs[index] else { preconditionFailure("\(Self.type) needs its input \(index)") }
    return array
  }

  /// The shape of the first output.
  /// - Precondition: the inputs fit the operator, as those of a validated graph do.
  func outputShape<S>(_ inputs: [NDArray<S>?]) -> [Int] {
    do {
      let types = try outputTypes(for: inputs.map { $0.map { TensorType($0.shape.map(Dimension.fixed)) } })
      return types[0].shape(batchSize: 1)
    } catch {
      preconditionFailure("the graph was not validated: \(error)")
    }
  }
}
