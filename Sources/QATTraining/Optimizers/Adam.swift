import CVectorKernels
import QATEngine
import QATTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Adam, and AdamW where weight decay shrinks the parameters themselves instead of entering the gradients.
///
/// m and v are running means of g and g²; p −= rate · m̂ / (√v̂ + epsilon), with m̂ and v̂ corrected for their start at zero. The formulas are PyTorch's.
/// References: "Adam: A Method for Stochastic Optimization", Kingma and Ba 2014, arXiv:1412.6980; "Decoupled Weight Decay Regularization",
/// Loshchilov and Hutter 2017, arXiv:1711.05101.
public final class Adam: Optimizer {
  /// Fractions of m and v that a step keeps.
  public let betas: (first: Double, second: Double)
  /// Keeps the division finite.
  public let epsilon: Double
  /// Strength of the decay.
  public var weightDecay: Double
  /// AdamW: whether decay acts on the parameters directly.
  public let isDecoupled: Bool
  /// Number of steps made.
  public var stepCount = 0
  /// The parameters that it moves.
  public let share: ParameterShare
  /// The pieces of it that a step moves.
  public var moving: [ParameterShare.Piece]
  private let mean: AlignedBuffer<Float>
  private let square: AlignedBuffer<Float>

  /// An optimizer of `count` parameters at rest.
  public convenience init(
    count: Int, betas: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0, isDecoupled: Bool = false
  ) {
    self.init(of: ParameterShare([0..<count]), betas: betas, epsilon: epsilon, weightDecay: weightDecay, isDecoupled: isDecoupled)
  }

  /// An optimizer of a share of the parameters at rest.
  public init(
    of share: ParameterShare, betas: (first: Double, second: Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0,
    isDecoupled: Bool = false
  ) {
    self.share = share
    moving = share.pieces
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    mean = AlignedBuffer(count: share.count)
    square = AlignedBuffer(count: share.count)
  }

  /// What is remembered of each parameter.
  public var memories: [(name: String, values: AlignedBuffer<Float>)] { [("exp_avg", mean), ("exp_avg_sq", square)] }

  /// Makes one step with `rate`.
  /// - Precondition: `state` has the parameters of the share.
  public func step(_ state: ModelState, rate: Double) {
    share.requirePlace(in: state)
    stepCount += 1
    var numbers = qat_adam_numbers(
      rate: Float(rate / (1 - pow(betas.first, Double(stepCount)))),
      beta1_complement: Float(1 - betas.first),
      beta2: Float(betas.second),
      beta2_complement: Float(1 - betas.second),
      root_correction: Float((1 - pow(betas.second, Double(stepCount))).squareRoot()),
      epsilon: Float(epsilon),
      coupled_decay: isDecoupled ? 0 : Float(weightDecay),
      kept: isDecoupled ? Float(1 - rate * weightDecay) : 1)
    for piece in moving {
      let start = piece.range.lowerBound
      qat_adam_step(
        state.parameters.pointer + start, state.reduced.pointer + start, mean.pointer + piece.offset, square.pointer + piece.offset,
        piece.range.count, &numbers)
    }
  }
}
