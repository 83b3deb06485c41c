import Foundation

/// `results.json`: what a run has come to, for whoever looks at it later.
public struct RunResults: Sendable, Hashable, Codable {
  /// How good a network of the run is.
  public struct Network: Sendable, Hashable, Codable {
    /// Which one, as in "fp32" or "fine-tuned".
    public var name: String
    /// What was found, by name: `top1`, `top5` (fractions), `loss`, `count` and others.
    public var metrics: [String: Double]

    /// A network's results.
    public init(name: String, metrics: [String: Double]) {
      (self.name, self.metrics) = (name, metrics)
    }
  }

  /// A model file that the run wrote.
  public struct ModelFile: Sendable, Hashable, Codable {
    /// Where.
    public var path: String
    /// Its size.
    public var bytes: Int

    /// A file.
    public init(path: String, bytes: Int) { (self.path, self.bytes) = (path, bytes) }
  }

  /// Time of this process's part of the run.
  public struct Timing: Sendable, Hashable, Codable {
    /// Wall-clock seconds, evaluations included.
    public var seconds: Double
    /// Seconds in steps.
    public var stepSeconds: Double
    /// The part of them that was waited for other ranks and the network.
    public var exposedCommunicationSeconds: Double
    /// Samples trained a second over all ranks.
    public var imagesPerSecond: Double
    /// Seconds of rank 0 by kind of work.
    public var phases: [String: Double]

    /// Times.
    public init(
      seconds: Double, stepSeconds: Double, exposedCommunicationSeconds: Double, imagesPerSecond: Double, phases: [String: Double]
    ) {
      (self.seconds, self.stepSeconds, self.exposedCommunicationSeconds) = (seconds, stepSeconds, exposedCommunicationSeconds)
      (self.imagesPerSecond, self.phases) = (imagesPerSecond, phases)
    }
  }

  /// The networks of the run in the order of their making.
  public var networks: [Network] = []
  /// Steps done.
  public var steps = 0
  /// Number of ranks.
  public var ranks = 1
  /// Where the time went; nil before the run has ended.
  public var timing: Timing?
  /// The files that were exported.
  public var files: [ModelFile] = []

  /// Nothing yet.
  public init() {}

  /// Notes how good a network is, in the place of what was noted of it before.
  public mutating func note(_ name: String, _ metrics: [String: Double]) {
    if let index = networks.firstIndex(where: { $0.name == name }) {
      networks[index].metrics = metrics
    } else {
      networks.append(Network(name: name, metrics: metrics))
    }
  }
}

extension CheckpointDirectory {
  /// Where results are noted.
  public var resultsPath: String { "\(path)/results.json" }

  /// What the run has come to; nil when nothing was noted that can be understood.
  /// - Throws: `TrainingError` when the file cannot be read.
  public func results() throws -> RunResults? {
    guard FileSystem.exists(resultsPath) else { return nil }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try? decoder.decode(RunResults.self, from: Data(FileSystem.read(resultsPath)))
  }

  /// Notes what the run has come to.
  /// - Throws: `TrainingError` when the file cannot be written.
  public func write(_ results: RunResults) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try FileSystem.replace(resultsPath, with: Array(try encoder.encode(results)) + [10])
  }
}

extension Evaluation {
  /// What was found, by name.
  public var metrics: [String: Double] {
    let classified = positions == 0 ? [:] : ["top1": top1, "top5": top5]
    return measured.merging(classified) { $1 }.merging(["loss": loss, "count": Double(count)]) { $1 }
  }
}
