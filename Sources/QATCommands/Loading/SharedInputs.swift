import QAT

extension RunInputs {
  /// What every rank must have read alike.
  func sharedValues() -> [SharedValue] {
    [configuration.sharedValue, model.graph.sharedValue, training.sharedValue("the training data"), validation.sharedValue("the validation data")]
  }
}

extension RunConfiguration {
  /// Every key with its value. Where files lie does not count: nodes may keep them at different places.
  var sharedValue: SharedValue {
    let parts = settings.filter { key, _ in !["model", "data.train", "data.validation"].contains(key) }
    var fingerprint = Fingerprint()
    for (key, value) in parts.sorted(by: { $0.key < $1.key }) {
      fingerprint.feed(key)
      fingerprint.feed(value)
    }
    return SharedValue("the configuration", fingerprint.text, parts: parts)
  }
}

extension Graph {
  /// The network in words, with its fingerprint.
  var sharedValue: SharedValue {
    var fingerprint = Fingerprint()
    fingerprint.feed(self)
    return SharedValue("the model", "'\(name)' of \(nodes.count) operators (\(fingerprint.text))")
  }
}

extension Dataset {
  /// The samples in words, with their fingerprint.
  /// - Parameter name: what they are called, as in "the training data".
  /// - Returns: the value.
  func sharedValue(_ name: String) -> SharedValue {
    var fingerprint = Fingerprint()
    fingerprint.feed(contentHash)
    return SharedValue(name, "\(count) samples (\(fingerprint.text))")
  }
}
