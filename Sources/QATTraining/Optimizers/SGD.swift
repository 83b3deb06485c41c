import CVectorKernels
import QATEngine
import QATTensor

/// Stochastic gradient descent with momentum.
///
/// With g' = g + weightDecay · p: v = momentum · v + g', p −= rate · v; with Nesterov's rule p −= rate · (g' + momentum · v). The formulas are
/// PyTorch's. Reference: "On the importance of initialization and momentum in deep learning", Sutskever et al. 2013.
public final class SGD: Optimizer {
  /// Fraction of the velocity that a step keeps.
  public let momentum: Float
  /// Whether the step looks ahead along the velocity.
  public let nesterov: Bool
  /// Factor of the parameters that is added to their gradients.
  public var weightDecay: Double
  /// Number of steps made.
  public var stepCount = 0
  /// The parameters that it moves.
  public let share: ParameterShare
  /// The pieces of it that a step moves.
  public var moving: [ParameterShare.Piece]
  private let velocity: AlignedBuffer<Float>?

  /// An optimizer of `count` parameters at rest.
  public convenience init(count: Int, momentum: Float = 0, nesterov: Bool = false, weightDecay: Double = 0) {
    self.init(of: ParameterShare([0..<count]), momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
  }

  /// An optimizer of a share of the parameters at rest.
  public init(of share: ParameterShare, momentum: Float = 0, nesterov: Bool = false, weightDecay: Double = 0) {
    self.share = share
    moving = share.pieces
    self.momentum = momentum
    self.nesterov = nesterov
    self.weightDecay = weightDecay
    velocity = momentum == 0 ? nil : AlignedBuffer(count: share.count)
  }

  /// What is remembered of each parameter.
  public var memories: [(name: String, values: AlignedBuffer<Float>)] { velocity.map { [("momentum_buffer", $0)] } ?? [] }

  /// Makes one step with `rate`.
  /// - Precondition: `state` has the parameters of the share.
  public func step(_ state: ModelState, rate: Double) {
    share.requirePlace(in: state)
    for piece in moving {
      let start = piece.range.lowerBound
      qat_sgd_step(
        state.parameters.pointer + start, state.reduced.pointer + start, velocity.map { $0.pointer + piece.offset }, piece.range.count, Float(rate),
        momentum, Float(weightDecay), nesterov ? 1 : 0)
    }
    stepCount += 1
  }
}
