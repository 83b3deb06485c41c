import QATGraph
import QATTensor

/// A graph compiled for one batch size: buffers and primitives made once, then run again and again.
///
/// Shares its parameters with other plans over the same `ModelState`. Used from one thread.
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

  /// Compiles a graph.
  /// - Parameters:
  ///   - graph: a validated graph.
  ///   - state: the graph's parameters and statistics.
  ///   - batchSize: samples in a batch.
  ///   - mode: training or evaluation.
  ///   - observed: tensors besides the outputs whose values can be read after `forward`.
  /// - Throws: `GraphError` when a shape does not fit or an operator cannot run; `EngineError` when oneDNN refuses.
  public init(_ graph: Graph, state: ModelState, batchSize: Int, mode: Mode, observed: [TensorName] = []) throws {
    self.batchSize = batchSize
    self.mode = mode
  }

  /// The memory of an input, row-major [batch, ...], to be filled before `forward`.
  public func input(_ name: TensorName) -> UnsafeMutableBufferPointer<Float> { preconditionFailure("no input '\(name)'") }

  /// Computes the outputs.
  /// - Parameter step: number of the step, part of the key of dropout's random numbers.
  public func forward(step: UInt64 = 0) {}

  /// The values of an output or observed tensor after `forward`, row-major.
  public func output(_ name: TensorName) -> UnsafeBufferPointer<Float> { preconditionFailure("no output '\(name)'") }

  /// The memory of the loss's gradient with respect to an output, row-major, to be filled before `backward`.
  public func outputGradient(_ name: TensorName) -> UnsafeMutableBufferPointer<Float> { preconditionFailure("no output '\(name)'") }

  /// Computes the gradients of all parameters into `ModelState.gradients`, replacing what was there.
  /// - Parameter progress: called between kernels with the number of leading elements of `gradients` that are complete.
  public func backward(progress: (Int) -> Void) {}
}
