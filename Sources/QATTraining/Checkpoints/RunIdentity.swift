import QATCommunication
import QATData
import QATGraph

/// What a checkpoint belongs to. A run goes on only from a checkpoint of the same model, configuration and data.
public struct RunIdentity: Sendable, Hashable, Codable {
  /// Fingerprint of the fp32 network that the run started from: nodes, names and values.
  public var model: String
  /// What the configuration says of the computation: every key that decides it, by its path, with its value as JSON.
  public var settings: [String: String]
  /// Fingerprint of the training samples.
  public var data: String
  /// Fingerprint of the samples that it is evaluated on; nil when it is not evaluated.
  public var validation: String?

  /// An identity.
  /// - Parameters:
  ///   - model: the fp32 network that the run starts from, before quantizers are inserted.
  ///   - configuration: the resolved configuration.
  ///   - dataset: the training samples.
  ///   - validation: the samples that the run is evaluated on; nil for none.
  public init(model: Graph, configuration: RunConfiguration, dataset: any Dataset, validation: (any Dataset)? = nil) {
    var network = Fingerprint()
    network.feed(model)
    self.model = network.text
    settings = configuration.decisiveSettings
    data = Self.fingerprint(of: dataset)
    self.validation = validation.map(Self.fingerprint)
  }

  init(model: String, settings: [String: String], data: String, validation: String? = nil) {
    self.model = model
    self.settings = settings
    self.data = data
    self.validation = validation
  }

  private static func fingerprint(of dataset: any Dataset) -> String {
    var samples = Fingerprint()
    samples.feed(dataset.contentHash)
    return samples.text
  }

  /// Checks that a checkpoint's identity is this run's.
  /// - Parameters:
  ///   - saved: the checkpoint's.
  ///   - path: the checkpoint, for the message.
  ///   - allowed: differences that the user wants.
  /// - Throws: `TrainingError` naming everything that differs, with both values, and what of it can be allowed.
  func require(_ saved: RunIdentity, at path: String, allowing allowed: Set<AllowedChange>) throws(TrainingError) {
    var differences: [String] = []
    if model != saved.model { differences.append("the model is \(model), the checkpoint's is \(saved.model)") }
    if data != saved.data { differences.append("the training data is \(data), the checkpoint's is \(saved.data)") }
    var remedies: [String] = []
    if validation != saved.validation, !allowed.contains(.validationData) {
      differences.append("the validation data is \(validation ?? "none"), the checkpoint's is \(saved.validation ?? "none")")
      remedies.append(AllowedChange.validationData.rawValue)
    }
    for key in Set(settings.keys).union(saved.settings.keys).sorted() where settings[key] != saved.settings[key] {
      let change = AllowedChange(ofSetting: key)
      if let change, allowed.contains(change) { continue }
      differences.append("\(key) is \(settings[key] ?? "absent"), the checkpoint has \(saved.settings[key] ?? "none")")
      if let change, !remedies.contains(change.rawValue) { remedies.append(change.rawValue) }
    }
    if differences.isEmpty { return }
    let way = remedies.isEmpty ? "" : "say --allow \(remedies.joined(separator: ",")) to change that on purpose, "
    throw TrainingError(
      .mismatch,
      "the checkpoint \(path) is of another run: \(differences.joined(separator: "; ")). Resume with what it was trained with, \(way)"
        + "or choose another --checkpoint-dir")
  }
}
