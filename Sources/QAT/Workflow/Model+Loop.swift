import QATEngine
import QATTensor
import QATTraining

/// Training by a loop written by hand, as in PyTorch.
extension Model {
  /// The model's criterion on a batch: the cross-entropy of its classes unless set otherwise. All ranks call it together, each with its own batch of as many samples.
  /// - Parameter batch: this rank's samples and their targets.
  /// - Returns: the loss, whose `backward()` computes the gradients.
  /// - Throws: `TrainingError` when the network or the criterion does not fit the batch, when batches change their size within an epoch, or when several ranks have not agreed on the
  ///   quantizers; what the engine throws.
  public func loss(_ batch: Batch) throws -> ModelLoss {
    let pass = try trainingPass(for: batch)
    return ModelLoss(value: Float(try withExtendedLifetime(batch) { try pass.forward(batch.samples) }), pass: pass)
  }

  /// An optimizer of this model's parameters, those of its quantizers included. Make it after `createCompressedModel`: it moves the parameters of this model, not of the one
  /// that was compressed.
  /// - Parameter configuration: the rule, and the norm to which gradients are clipped. Its schedule does not count, set `learningRate` instead; nor do `averageDecay`
  ///   and `isSharded`, which belong to a run of `fit`.
  /// - Returns: the optimizer, at rest.
  public func makeOptimizer(_ configuration: OptimizerConfiguration = OptimizerConfiguration()) -> ModelOptimizer {
    ModelOptimizer(configuration, self)
  }
}

/// The loss of a batch.
public struct ModelLoss {
  /// The mean over this rank's samples, and what was added.
  public private(set) var value: Float
  let pass: TrainingPass

  /// Computes the gradients of all parameters and sums them over the ranks. All ranks call it together, once for each loss. Gradients of the step before are replaced.
  /// - Throws: `TrainingError` when called again; the communicator's error.
  public func backward() throws { try pass.backward() }

  /// The loss with a number added, as `controller.loss()` is: it has no gradient.
  public static func + (loss: ModelLoss, number: Float) -> ModelLoss {
    var sum = loss
    sum.value += number
    return sum
  }
}

/// Moves a model's parameters along their gradients.
public final class ModelOptimizer {
  /// The rate of the steps to come.
  public var learningRate: Double
  private let rule: any Optimizer
  private let maxGradientNorm: Double?
  private let model: Model

  init(_ configuration: OptimizerConfiguration, _ model: Model) {
    learningRate = configuration.baseLearningRate
    maxGradientNorm = configuration.maxGradientNorm
    rule = configuration.makeOptimizer(of: ParameterShare([0..<model.state.parameters.count]))
    self.model = model
  }

  /// Moves the parameters, and the running statistics towards the batch's.
  /// - Throws: `TrainingError` without new gradients, or when the loss was not finite.
  public func step() throws { try model.currentPass().update(rule, rate: learningRate, maxGradientNorm: maxGradientNorm) }

  /// What the rule remembers, one tensor a parameter and memory, named `<parameter>.<memory>`, and the number of steps.
  public var stateDictionary: [String: Tensor] {
    var tensors = rule.tensors(slots: model.state.parameterSlots)
    tensors[Self.stepName] = Tensor(int64: [Int64(rule.stepCount)])
    return tensors
  }

  /// Takes over what another optimizer of the same rule and model remembered.
  /// - Throws: `TrainingError` naming the tensor that is missing or has another shape.
  public func load(stateDictionary: [String: Tensor]) throws(TrainingError) {
    try rule.load(stateDictionary, slots: model.state.parameterSlots)
    guard let steps = stateDictionary[Self.stepName]?.integers, steps.count == 1, steps[0] >= 0 else {
      throw TrainingError(.checkpoint, "the optimizer's state has no '\(Self.stepName)': it is none of an optimizer of a loop written by hand")
    }
    rule.stepCount = steps[0]
  }

  private static let stepName = "step"
}
