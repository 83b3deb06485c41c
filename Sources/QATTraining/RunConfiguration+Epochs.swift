import QATJSON
import QATQuantization

extension RunConfiguration {
  /// Ends the run where `accuracy_aware_training` ends it at the latest: its epochs are those of a run that has none of its own, and the bound of all others.
  mutating func boundEpochs(_ root: JSONNode, _ problems: inout ProblemList) {
    guard let limit = nncf.accuracyAwareTraining?.epochs else { return }
    guard let member = root.members?.first(where: { $0.key == "epochs" }) else { return epochs = limit }
    guard epochs > limit else { return }
    problems.warning("\"epochs\" has no effect: \"maximal_total_epochs\" ends the run after \(limit)", at: member)
    epochs = limit
  }

  /// What `params` of the quantization section have begin after the run's last step, so that it never does: one sentence each. Told before training.
  /// - Parameter stepsPerEpoch: whole steps of an epoch.
  /// - Returns: the sentences; none when every stage has steps.
  public func stagesBeyondTheEnd(stepsPerEpoch: Int) -> [String] {
    guard let stages = nncf.quantization?.stages else { return [] }
    let epochsWithSteps = maxSteps.map { min(epochs, ($0 + stepsPerEpoch - 1) / max(stepsPerEpoch, 1)) } ?? epochs
    return QuantizationPoint.Kind.allCases.filter { !stages.enabledKinds(in: epochsWithSteps - 1).contains($0) }.map { kind in
      let end = maxSteps.map { "after \($0) steps, in epoch \(epochsWithSteps)" } ?? "after \(epochs) epoch\(epochs == 1 ? "" : "s")"
      return
        "\(kind.plural) are never quantized: \"\(kind.plural)_quant_start_epoch\" is \(stages.startEpoch(of: kind)), counted from 0, and the run ends \(end). "
        + "The result holds them in floating point"
    }
  }
}
