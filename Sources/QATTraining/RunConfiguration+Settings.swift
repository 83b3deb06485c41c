import QATJSON

extension RunConfiguration {
  /// Every key of the resolved configuration with its value as JSON, by its path, as in `optimizer.base_lr`.
  public var settings: [String: String] {
    var settings: [String: String] = [:]
    resolvedJSON().collect(at: "", into: &settings)
    return settings
  }

  /// The settings that decide what is computed. How long to train, what is saved, where files lie and how a step's samples are dealt to ranks do not count.
  var decisiveSettings: [String: String] {
    // Where the same bits are promised for every number of ranks, how a step is cut into micro-batches decides them.
    let harmless = Self.harmlessKeys + (reproducibleShards == nil ? Self.partitionKeys : [])
    return settings.filter { key, _ in !harmless.contains { key == $0 || key.hasPrefix($0 + ".") } }
  }

  private static let harmlessKeys = [
    "model", "data.train", "data.validation", "epochs", "max_steps", "checkpoint", "max_nonfinite_steps", "divergence_check_every",
    "tensorboard_every",
    "optimizer.sharded", "log_dir", "data.workers", "memory_limit",
  ]

  fileprivate static let partitionKeys = ["batch_size", "accumulation_steps"]
}

/// What of a run's configuration may be changed when it goes on, because the checkpoint still means the same.
public enum AllowedChange: String, Sendable, Hashable, CaseIterable {
  /// The learning rate, its schedule and its warm-up.
  case learningRate = "learning_rate"
  /// The pull of the weights towards zero.
  case weightDecay = "weight_decay"
  /// What the optimizer remembers: momentum, betas and epsilon.
  case momentum
  /// The samples of a step over all ranks.
  case batchSize = "batch_size"
  /// The share of a target that is spread over all classes.
  case labelSmoothing = "label_smoothing"
  /// Random changes of training samples.
  case augmentation
  /// The samples that epochs are evaluated on; the best checkpoint is then sought anew.
  case validationData = "validation_data"

  /// The change that a setting's difference is; nil when the checkpoint would mean something else.
  init?(ofSetting key: String) {
    guard let change = Self.allCases.first(where: { change in change.keys.contains { key == $0 || key.hasPrefix($0 + ".") } }) else { return nil }
    self = change
  }

  private var keys: [String] {
    switch self {
    case .learningRate:
      [
        "base_lr", "schedule_type", "warmup_steps", "warmup_epochs", "gamma", "milestones", "step_size", "power", "min_lr",
        "lr_poly_drop_start_epoch",
        "lr_poly_drop_duration_epochs",
      ].map { "optimizer.\($0)" }
    case .weightDecay: ["optimizer.weight_decay", "optimizer.disable_wd_start_epoch"]
    case .momentum: ["momentum", "nesterov", "betas", "eps"].map { "optimizer.\($0)" }
    // Otherwise compared as the samples of a step over all ranks, which the checkpoint holds itself.
    case .batchSize: RunConfiguration.partitionKeys
    case .labelSmoothing: ["label_smoothing"]
    case .augmentation: ["data.augment"]
    // Compared by what the files hold, not by where they lie.
    case .validationData: []
    }
  }
}

extension JSONValue {
  /// Notes every value that is no object under its path.
  fileprivate func collect(at path: String, into settings: inout [String: String]) {
    guard case .object(let members) = self else {
      settings[path] = text(.oneLine)
      return
    }
    for member in members { member.value.collect(at: path.isEmpty ? member.key : "\(path).\(member.key)", into: &settings) }
  }
}
