extension OptimizerConfiguration {
  /// The optimizer of a share of the parameters that the configuration describes, at rest.
  public func makeOptimizer(of share: ParameterShare) -> any Optimizer {
    switch kind {
    case .sgd: SGD(of: share, momentum: Float(momentum), nesterov: nesterov, weightDecay: weightDecay)
    case .adam, .adamW:
      Adam(of: share, betas: (betas[0], betas[1]), epsilon: epsilon, weightDecay: weightDecay, isDecoupled: kind == .adamW)
    }
  }

  /// The weight decay of an epoch.
  func weightDecay(inEpoch epoch: Int) -> Double { weightDecayEndEpoch.map { epoch >= $0 } == true ? 0 : weightDecay }

  /// The learning rates of a run: what the configuration says in epochs, in steps.
  /// - Parameters:
  ///   - epochs: length of the run.
  ///   - stepsPerEpoch: steps in an epoch.
  /// - Returns: the rate of every step.
  public func makeSchedule(epochs: Int, stepsPerEpoch: Int) -> LearningRateSchedule {
    let total = epochs * stepsPerEpoch
    let shape: LearningRateSchedule.Shape =
      switch schedule.kind {
      case .constant: .constant
      case .step:
        if let milestones = schedule.milestones {
          .milestones(at: milestones.map { $0 * stepsPerEpoch }, gamma: schedule.gamma)
        } else {
          .steps(size: (schedule.stepSize ?? 1) * stepsPerEpoch, gamma: schedule.gamma)
        }
      case .cosine: .cosine(total: total, minimum: schedule.minimumLearningRate)
      case .polynomial:
        .polynomial(
          start: schedule.dropStartEpoch * stepsPerEpoch,
          total: schedule.dropDurationEpochs.map { $0 * stepsPerEpoch } ?? total - schedule.dropStartEpoch * stepsPerEpoch, power: schedule.power,
          minimum: schedule.minimumLearningRate)
      }
    let warmup = schedule.warmupEpochs > 0 ? Int((schedule.warmupEpochs * Double(stepsPerEpoch)).rounded()) : schedule.warmupSteps
    return LearningRateSchedule(baseRate: baseLearningRate, shape: shape, warmupSteps: warmup)
  }
}
