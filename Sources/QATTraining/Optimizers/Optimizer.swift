import QATEngine
import QATTensor

/// Moves parameters along their gradients, element by element. All buffers are flat, in the order of `ModelState.parameterSlots`; a step allocates nothing.
public protocol Optimizer: AnyObject {
  /// Number of steps made, which is part of the state of some rules.
  var stepCount: Int { get set }
  /// The parameters that it moves.
  var share: ParameterShare { get }
  /// The pieces of `share` that a step moves: all of them unless parameters are frozen.
  var moving: [ParameterShare.Piece] { get set }
  /// Pull of the parameters towards zero.
  var weightDecay: Double { get set }
  /// What the rule remembers of each parameter: a name, as PyTorch calls it, and one value an element of `share`. Saved and restored with the run.
  var memories: [(name: String, values: AlignedBuffer<Float>)] { get }
  /// Makes one step with `rate`, from `state.gradients`, on the moving pieces of `state.parameters`.
  func step(_ state: ModelState, rate: Double)
}
