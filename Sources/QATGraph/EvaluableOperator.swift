import QATTensor

/// An operator that can be computed on constants right away. The engine's kernels make every operator one; readers of files fold constants through it
/// without knowing the engine.
public protocol EvaluableOperator: Operator {
  /// Computes the outputs, as in evaluation.
  /// - Parameter inputs: one tensor an input, of types that `outputTypes` accepts; nil where an optional one is absent.
  /// - Returns: the outputs; nil when an integer came out that its type cannot hold, or the outputs' shapes depend on the batch.
  func evaluate(_ inputs: [Tensor?]) -> [Tensor]?
}
