import QATJSON

extension RunConfiguration {
  /// Ends the run where `accuracy_aware_training` ends it at the latest: its epochs are those of a run that has none of its own, and the bound of all others.
  mutating func boundEpochs(_ root: JSONNode, _ problems: inout ProblemList) {
    guard let limit = nncf.accuracyAwareTraining?.epochs else { return }
    guard let member = root.members?.first(where: { $0.key == "epochs" }) else { return epochs = limit }
    guard epochs > limit else { return }
    problems.warning("\"epochs\" has no effect: \"maximal_total_epochs\" ends the run after \(limit)", at: member)
    epochs = limit
  }
}
