import QATJSON
import QATQuantization

extension RunConfiguration {
  /// Root keys: the run's own and NNCF's. Other programs' keys may stand beside them, so unknown keys only give warnings.
  public static let schema = ObjectSchema<RunConfiguration>(
    [
      SchemaKey("model", optional: \.model, .text),
      SchemaKey("batch_size", \.batchSize, .integer(atLeast: 1)),
      SchemaKey("accumulation_steps", \.accumulationSteps, .integer(atLeast: 1)),
      SchemaKey("reproducible", optional: \.reproducibleShards, .integer(atLeast: 1)),
      SchemaKey("epochs", \.epochs, .integer(atLeast: 0)),
      SchemaKey("max_steps", optional: \.maxSteps, .integer(atLeast: 0)),
      SchemaKey("seed", \.seed, .seed),
      SchemaKey("optimizer", \.optimizer, OptimizerConfiguration.rule),
      SchemaKey("data", \.data, DataConfiguration.schema.rule(defaults: DataConfiguration())),
      SchemaKey("loss", \.loss, LossConfiguration.rule),
      SchemaKey("metrics", \.metrics, .array(of: .choice(), "an array of metrics")).shown(where: { !$0.metrics.isEmpty }),
      SchemaKey("label_smoothing", \.labelSmoothing, .number("a number of at least 0 and below 1") { $0 >= 0 && $0 < 1 })
        .shown(where: { $0.loss.kind == .crossEntropy }),
      SchemaKey("max_nonfinite_steps", \.maxNonFiniteSteps, .integer(atLeast: 1)),
      SchemaKey("divergence_check_every", \.divergenceCheckEvery, .integer(atLeast: 0)),
      SchemaKey("tensorboard_every", \.tensorBoardEvery, .integer(atLeast: 0)),
      SchemaKey("batch_norm", \.batchNorm, .choice()),
      SchemaKey("num_batch_norm_update_epochs", optional: \.batchNormUpdateEpochs, .integer(atLeast: 0)),
      SchemaKey("num_observer_update_epochs", optional: \.observerUpdateEpochs, .integer(atLeast: 0)).shown(where: { $0.nncf.quantization != nil }),
      SchemaKey("frozen_layers", \.frozenLayers, .scopes),
      SchemaKey("forward", \.forward, .choice()),
      SchemaKey("memory_limit", optional: \.memoryLimit, .memorySize),
      SchemaKey("gradient_precision", \.gradientPrecision, .choice()),
      SchemaKey("checkpoint", \.checkpoint, CheckpointConfiguration.schema.rule(defaults: CheckpointConfiguration())),
    ] + NNCFConfig.schema.keys.map { $0.within(\.nncf) },
    unknownKeys: .warned, misplaced: misplaced, rules: [checkReproducible, checkLoss, checkMetrics, checkObservers])

  /// Bits that do not depend on ranks need parts that do not.
  @Sendable private static func checkReproducible(_ run: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard run.reproducibleShards != nil else { return }
    if run.batchNorm == .synchronized {
      problems.error(
        "\"synchronized\" cannot go with \"reproducible\", which normalises each shard by itself, so that its bits do not depend on ranks; leave one of them out",
        at: node["batch_norm"] ?? node)
    }
    if run.gradientPrecision == .bfloat16 {
      problems.error(
        "\"bfloat16\" cannot go with \"reproducible\": what is rounded before it travels depends on the number of ranks; leave one of them out",
        at: node["gradient_precision"] ?? node)
    }
  }

  /// Without a loss of the task there must be another one.
  @Sendable private static func checkLoss(_ run: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    if run.loss.kind == .none, run.nncf.distillation == nil {
      problems.error(
        "\"none\" leaves nothing to learn from; expected \"cross_entropy\", or a section with \"algorithm\": \"knowledge_distillation\" in \"compression\"",
        at: node["loss"] ?? node)
    }
    if run.loss.kind != .crossEntropy, run.labelSmoothing != 0, let member = node.members?.first(where: { $0.key == "label_smoothing" }) {
      problems.warning("\"label_smoothing\" has no effect: \"loss\" is \"\(run.loss.kind.rawValue)\", and it serves \"cross_entropy\"", at: member)
    }
  }

  @Sendable private static func checkMetrics(_ run: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    for metric in run.metrics where !metric.losses.contains(run.loss.kind) {
      let losses = metric.losses.filter { $0 != .none }.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      problems.error(
        "\"\(metric.rawValue)\" goes with the loss \(losses), and \"loss\" is \"\(run.loss.kind.rawValue)\"", at: node["metrics"] ?? node)
    }
  }

  @Sendable private static func checkObservers(_ run: Self, _ node: JSONNode, _ problems: inout ProblemList) {
    guard run.nncf.quantization == nil, let member = node.members?.first(where: { $0.key == "num_observer_update_epochs" }) else { return }
    problems.warning("\"num_observer_update_epochs\" has no effect: without quantization there are no ranges to freeze", at: member)
  }

  /// Keys of sections that somebody may write at the root.
  private static let misplaced: [String: String] = {
    let optimizer = OptimizerConfiguration.schema.supportedKeys.filter { $0 != "type" }.map { ($0, "it belongs in \"optimizer\"") }
    let data = DataConfiguration.schema.supportedKeys.map { ($0, "it belongs in \"data\"") }
    let checkpoint = CheckpointConfiguration.schema.supportedKeys.map { ($0, "it belongs in \"checkpoint\"") }
    let quantization = ["algorithm", "preset", "overflow_fix", "quantize_inputs", "quantize_outputs", "initializer", "weights", "activations"]
    return Dictionary(
      optimizer + data + checkpoint + quantization.map { ($0, "it belongs in \"compression\"") }, uniquingKeysWith: { first, _ in first })
  }()
}
