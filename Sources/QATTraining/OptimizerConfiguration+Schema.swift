import QATJSON

extension OptimizerConfiguration {
  /// Reads the section; defaults follow from its `type`.
  static let rule = ValueRule<OptimizerConfiguration>(
    expecting: "an object",
    read: { node, problems in
      var optimizer = OptimizerConfiguration(node["type"]?.string.flatMap(Kind.init(rawValue:)) ?? .sgd)
      guard schema.read(node, into: &optimizer, &problems) else { return nil }
      warnOfIneffectiveKeys(node, optimizer, &problems)
      return optimizer
    },
    write: { optimizer in
      // What has no effect is not shown, so that the saved configuration reads back without warnings.
      guard case .object(let members) = schema.write(optimizer) else { return nil }
      return .object(members.filter { !optimizer.ineffectiveKeys.keys.contains($0.key) })
    })

  static let schema = ObjectSchema<OptimizerConfiguration>(
    [
      SchemaKey("type", \.kind, .choice()),
      SchemaKey("base_lr", \.baseLearningRate, .positive),
      SchemaKey("momentum", \.momentum, share),
      SchemaKey("nesterov", \.nesterov, .bool),
      SchemaKey("weight_decay", \.weightDecay, .nonnegative),
      SchemaKey("disable_wd_start_epoch", optional: \.weightDecayEndEpoch, .integer(atLeast: 0)),
      SchemaKey("betas", \.betas, betas),
      SchemaKey("eps", \.epsilon, .positive),
      SchemaKey("sharded", \.isSharded, .bool),
      SchemaKey("max_grad_norm", optional: \.maxGradientNorm, .positive),
      SchemaKey("ema_decay", optional: \.averageDecay, .number("a number above 0 and below 1") { $0 > 0 && $0 < 1 }),
      SchemaKey("schedule_type", \.schedule.kind, .choice(known: otherSchedules)),
      SchemaKey("warmup_steps", \.schedule.warmupSteps, .integer(atLeast: 0)),
      SchemaKey("warmup_epochs", \.schedule.warmupEpochs, .nonnegative),
      SchemaKey("gamma", \.schedule.gamma, .number("a number above 0 and at most 1") { $0 > 0 && $0 <= 1 }),
      SchemaKey(
        "milestones", optional: \.schedule.milestones, .array(of: .integer(atLeast: 1), "an array of rising epochs", minimumCount: 1)),
      SchemaKey("step_size", optional: \.schedule.stepSize, .integer(atLeast: 1)),
      SchemaKey("lr_poly_drop_start_epoch", \.schedule.dropStartEpoch, .integer(atLeast: 0)),
      SchemaKey("lr_poly_drop_duration_epochs", optional: \.schedule.dropDurationEpochs, .integer(atLeast: 1)),
      SchemaKey("power", \.schedule.power, .positive),
      SchemaKey("min_lr", \.schedule.minimumLearningRate, .nonnegative),
    ],
    misplaced: [
      "lr": "it is called \"base_lr\"", "clip_grad_norm": "it is called \"max_grad_norm\"", "gradient_clipping": "it is called \"max_grad_norm\"",
      "learning_rate": "it is called \"base_lr\"", "steps": "it is called \"milestones\"",
      "step": "it is called \"step_size\"", "schedule_params": "its keys, such as \"gamma\" and \"step_size\", stand directly in \"optimizer\"",
      "optimizer_params": "its keys, such as \"momentum\" and \"betas\", stand directly in \"optimizer\"",
    ], rules: [checkNesterov, checkWarmup, checkStep, checkMilestones, checkMinimum])

  private static let share = ValueRule.number("a number of at least 0 and below 1") { $0 >= 0 && $0 < 1 }

  private static let betas: ValueRule<[Double]> = {
    let expectation = "an array of two numbers, each at least 0 and below 1"
    let pair = ValueRule.array(of: share, expectation, minimumCount: 2)
    return ValueRule(
      expecting: expectation,
      read: { node, problems in
        guard let values = pair.read(node, &problems) else { return nil }
        if values.count == 2 { return values }
        problems.error("found \(node.summary); expected \(expectation)", at: node)
        return nil
      },
      write: pair.write)
  }()

  /// Names of other programs for curves that go by another name here, or that are missing.
  private static let otherSchedules = [
    "multistep": "is called \"step\" here, with \"milestones\"", "poly": "is called \"polynomial\" here",
    "exponential": "is \"step\" with \"step_size\": 1 here", "plateau": "is not supported by this version",
  ]

  @Sendable private static func checkNesterov(_ optimizer: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard optimizer.kind == .sgd, optimizer.nesterov, optimizer.momentum == 0 else { return }
    problems.error("\"nesterov\": true needs a momentum above 0", at: node["nesterov"] ?? node)
  }

  @Sendable private static func checkWarmup(_ optimizer: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard optimizer.schedule.warmupSteps > 0, optimizer.schedule.warmupEpochs > 0 else { return }
    problems.error("both \"warmup_steps\" and \"warmup_epochs\" are given; keep one of them", at: node["warmup_epochs"] ?? node)
  }

  @Sendable private static func checkStep(_ optimizer: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard optimizer.schedule.kind == .step else { return }
    switch (optimizer.schedule.milestones, optimizer.schedule.stepSize) {
    case (nil, nil):
      problems.error("\"schedule_type\": \"step\" needs \"milestones\" or \"step_size\", both in epochs", at: node["schedule_type"] ?? node)
    case (.some, .some): problems.error("both \"milestones\" and \"step_size\" are given; keep one of them", at: node["step_size"] ?? node)
    default: break
    }
  }

  @Sendable private static func checkMilestones(_ optimizer: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard let milestones = optimizer.schedule.milestones, zip(milestones, milestones.dropFirst()).contains(where: { $0 >= $1 }) else { return }
    problems.error("the milestones \(milestones) do not rise", at: node["milestones"] ?? node)
  }

  @Sendable private static func checkMinimum(_ optimizer: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    let schedule = optimizer.schedule
    guard [.cosine, .polynomial].contains(schedule.kind), schedule.minimumLearningRate > optimizer.baseLearningRate else { return }
    problems.error(
      "\"min_lr\" \(schedule.minimumLearningRate) is above \"base_lr\" \(optimizer.baseLearningRate)", at: node["min_lr"] ?? node)
  }
}
