/// How parameters move from step to step (`optimizer`).
public struct OptimizerConfiguration: Sendable, Hashable, Codable {
  /// The rule of one step.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Stochastic gradient descent with momentum.
    case sgd = "SGD"
    /// Adam: weight decay is added to the gradient. Kingma and Ba, 2015, https://arxiv.org/abs/1412.6980
    case adam = "Adam"
    /// Adam with weight decay apart from the gradient. Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101
    case adamW = "AdamW"
  }

  /// The rule of one step (`type`).
  public var kind: Kind
  /// Learning rate after warm-up (`base_lr`).
  public var baseLearningRate: Double
  /// SGD: share of the last step's direction that is kept (`momentum`), in [0, 1).
  public var momentum = 0.9
  /// SGD: whether the gradient looks ahead along the momentum (`nesterov`).
  public var nesterov = false
  /// Pull of the weights towards zero (`weight_decay`).
  public var weightDecay: Double
  /// The epoch from which weights no longer decay (`disable_wd_start_epoch`); nil for never.
  public var weightDecayEndEpoch: Int?
  /// Adam and AdamW: decay rates of the two moments (`betas`), each in [0, 1).
  public var betas = [0.9, 0.999]
  /// Adam and AdamW: added to the root of the second moment (`eps`).
  public var epsilon = 1e-8
  /// Whether each rank keeps the memory of a share of the parameters only (`sharded`). Changes no result.
  public var isSharded = false
  /// The largest norm of a step's gradient (`max_grad_norm`), above 0; nil clips nothing.
  public var maxGradientNorm: Double?
  /// Share of the moving average of the weights that a step keeps (`ema_decay`), in (0, 1); nil for no average.
  public var averageDecay: Double?
  /// How the learning rate changes; its keys stand among the optimizer's.
  public var schedule = ScheduleConfiguration()

  /// The defaults of a rule, for fine-tuning a trained network: SGD 0.001 with weight decay 1e-4, Adam and AdamW 1e-5 with 0 and 0.01.
  public init(_ kind: Kind = .sgd) {
    self.kind = kind
    baseLearningRate = kind == .sgd ? 1e-3 : 1e-5
    weightDecay =
      switch kind {
      case .sgd: 1e-4
      case .adam: 0
      case .adamW: 1e-2
      }
  }
}

/// How the learning rate changes over the run.
public struct ScheduleConfiguration: Sendable, Hashable, Codable {
  /// The curve after warm-up.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// `base_lr` throughout.
    case constant
    /// Times `gamma` at each milestone, or every `step_size` epochs.
    case step
    /// Half a cosine from `base_lr` to `min_lr`. Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983
    case cosine
    /// `min_lr + (base_lr - min_lr) (1 - progress)^power`, where progress counts from `lr_poly_drop_start_epoch`.
    case polynomial
  }

  /// The curve after warm-up (`schedule_type`).
  public var kind = Kind.cosine
  /// Steps in which the rate rises linearly to `base_lr` (`warmup_steps`).
  public var warmupSteps = 0
  /// Epochs in which the rate rises linearly to `base_lr` (`warmup_epochs`), fractions allowed; instead of `warmupSteps`.
  public var warmupEpochs = 0.0
  /// `step`: factor at each milestone (`gamma`), in (0, 1].
  public var gamma = 0.1
  /// `step`: rising numbers of finished epochs after which the rate falls (`milestones`).
  public var milestones: [Int]?
  /// `step`: epochs from one fall to the next (`step_size`); instead of `milestones`.
  public var stepSize: Int?
  /// `polynomial`: the epoch from which the rate falls (`lr_poly_drop_start_epoch`).
  public var dropStartEpoch = 0
  /// `polynomial`: epochs in which it falls (`lr_poly_drop_duration_epochs`); nil for the rest of the run.
  public var dropDurationEpochs: Int?
  /// `polynomial`: exponent (`power`), above 0.
  public var power = 1.0
  /// `cosine` and `polynomial`: the rate at the end (`min_lr`).
  public var minimumLearningRate = 0.0

  /// Cosine without warm-up.
  public init() {}
}
