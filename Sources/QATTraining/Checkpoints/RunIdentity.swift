import Foundation
import QATData
import QATGraph

/// What a checkpoint belongs to. A run goes on only from a checkpoint of the same model, configuration and data.
public struct RunIdentity: Sendable, Hashable, Codable {
  /// Fingerprint of the fp32 network that the run started from: nodes, names and values.
  public var model: String
  /// Fingerprint of what the configuration says of the computation. How long to train, how often to save, and where files lie do not count.
  public var configuration: String
  /// Fingerprint of the training samples.
  public var data: String

  /// An identity.
  /// - Parameters:
  ///   - model: the fp32 network that the run starts from, before quantizers are inserted.
  ///   - configuration: the resolved configuration.
  ///   - dataset: the training samples.
  /// - Throws: an error when the configuration cannot be encoded.
  public init(model: Graph, configuration: RunConfiguration, dataset: any Dataset) throws {
    var network = Fingerprint()
    network.feed(model)
    self.model = network.text

    var essential = configuration
    essential.model = nil
    essential.epochs = 0
    essential.maxSteps = nil
    essential.checkpoint = CheckpointConfiguration()
    essential.data.train = nil
    essential.data.validation = nil
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var settings = Fingerprint()
    settings.feed(String(decoding: try encoder.encode(essential), as: UTF8.self))
    self.configuration = settings.text

    var samples = Fingerprint()
    samples.feed(dataset.contentHash)
    data = samples.text
  }

  init(model: String, configuration: String, data: String) {
    self.model = model
    self.configuration = configuration
    self.data = data
  }

  /// Checks that a checkpoint's identity is this run's.
  /// - Throws: `TrainingError` naming everything that differs.
  func require(_ saved: RunIdentity, at path: String) throws(TrainingError) {
    let parts = [("model", model, saved.model), ("configuration", configuration, saved.configuration), ("training data", data, saved.data)]
    let differing = parts.filter { $0.1 != $0.2 }
    if differing.isEmpty { return }
    let list = differing.map { "the \($0.0) (here \($0.1), there \($0.2))" }.joined(separator: ", ")
    throw TrainingError(
      .mismatch,
      "the checkpoint \(path) is of another run: it differs in \(list). Resume with what it was trained with, or choose another --checkpoint-dir")
  }
}
