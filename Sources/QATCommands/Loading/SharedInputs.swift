import QAT

extension RunInputs {
  /// What every rank must have read alike.
  func sharedValues() -> [SharedValue] {
    let identity = RunIdentity(model: model.graph, configuration: configuration, dataset: training)
    let judged = RunIdentity(model: model.graph, configuration: configuration, dataset: validation)
    return [
      SharedValue("the configuration", identity.configuration, parts: configuration.sharedParts),
      SharedValue("the model", model.graph.words(identity.model)),
      SharedValue("the training data", training.words(identity.data)),
      SharedValue("the validation data", validation.words(judged.data)),
    ]
  }
}

extension RunConfiguration {
  /// Every key with its value. Where files lie does not count: nodes may keep them at different places.
  var sharedParts: [String: String] { settings.filter { key, _ in !["model", "data.train", "data.validation"].contains(key) } }
}

extension Graph {
  /// The network in words, with its fingerprint.
  func words(_ fingerprint: String) -> String { "'\(name)' of \(nodes.count) operators (\(fingerprint))" }
}

extension Dataset {
  /// The samples in words, with their fingerprint.
  func words(_ fingerprint: String) -> String { "\(count) samples (\(fingerprint))" }
}
