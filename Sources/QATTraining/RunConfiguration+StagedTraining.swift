import QATJSON
import QATQuantization

extension RunConfiguration {
  /// Takes over what `params` of the quantization section say of training, where the run's own keys are silent: NNCF leaves it to the training script.
  ///
  /// A file without `optimizer` then trains as NNCF's sample does: Adam, at a constant rate until it falls. The resolved configuration shows it all
  /// among the run's own keys.
  mutating func adoptStagedTraining(_ root: JSONNode, _ problems: inout ProblemList) {
    guard let training = nncf.quantization?.stagedTraining else { return }
    nncf.quantization?.stagedTraining = nil
    let sections = root["compression"]?.array ?? [root["compression"]].compactMap { $0 }
    let members = sections.compactMap { $0["params"] }.first?.members ?? []
    /// Takes over one key, or warns that the run's own stands in front of it.
    func adopt<Value>(_ value: Value?, _ key: String, unless own: JSONNode?, _ ownKey: String, _ set: (Value) -> Void) {
      guard let value else { return }
      guard own != nil else { return set(value) }
      if let member = members.first(where: { $0.key == key }) {
        problems.warning("\"\(key)\" has no effect: \"\(ownKey)\" of the run stands in front of it", at: member)
      }
    }
    let own = root["optimizer"]
    if own == nil {
      optimizer = OptimizerConfiguration(.adam)
      (optimizer.baseLearningRate, optimizer.weightDecay, optimizer.schedule.kind) = (1e-3, 1e-5, .constant)
    }
    adopt(training.batchMultiplier, "batch_multiplier", unless: root["accumulation_steps"], "accumulation_steps") { accumulationSteps = $0 }
    adopt(training.baseLearningRate, "base_lr", unless: own?["base_lr"], "optimizer.base_lr") { optimizer.baseLearningRate = $0 }
    adopt(training.baseWeightDecay, "base_wd", unless: own?["weight_decay"], "optimizer.weight_decay") { optimizer.weightDecay = $0 }
    adopt(training.weightDecayEndEpoch, "disable_wd_start_epoch", unless: own?["disable_wd_start_epoch"], "optimizer.disable_wd_start_epoch") {
      optimizer.weightDecayEndEpoch = $0
    }
    adopt(training.dropStartEpoch, "lr_poly_drop_start_epoch", unless: own?["schedule_type"], "optimizer.schedule_type") {
      optimizer.schedule.kind = .polynomial
      optimizer.schedule.power = 2.1
      optimizer.schedule.dropStartEpoch = $0
      optimizer.schedule.dropDurationEpochs = training.dropDurationEpochs ?? 30
    }
    if training.dropStartEpoch == nil, let member = members.first(where: { $0.key == "lr_poly_drop_duration_epochs" }) {
      problems.warning("\"lr_poly_drop_duration_epochs\" has no effect without \"lr_poly_drop_start_epoch\"", at: member)
    }
  }
}
