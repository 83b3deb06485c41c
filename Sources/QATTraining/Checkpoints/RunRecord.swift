import Foundation

/// `run.json`: what a run was started with, so that its checkpoints explain themselves and can be exported alone.
public struct RunRecord: Sendable, Hashable, Codable {
  /// The resolved configuration: file, defaults and flags together.
  public var configuration: RunConfiguration
  /// Versions of the program and of the libraries it computes with, by name.
  public var versions: [String: String]
  /// Number of ranks.
  public var rankCount: Int

  /// A record.
  public init(configuration: RunConfiguration, versions: [String: String], rankCount: Int) {
    self.configuration = configuration
    self.versions = versions
    self.rankCount = rankCount
  }
}

extension CheckpointDirectory {
  /// Where the run's fp32 model lies.
  public var modelPath: String { "\(path)/model.onnx" }

  /// Notes what a run starts with: `run.json` and `model.onnx`. Called by rank 0 before training, after `prepare`.
  /// - Parameters:
  ///   - record: the run.
  ///   - isResumed: whether the run goes on from a checkpoint; then the model stays as it is.
  ///   - writeModel: writes the fp32 network to a path.
  /// - Throws: `TrainingError` when a new run would begin in a folder with another run's checkpoints, or when a file cannot be written.
  public func begin(_ record: RunRecord, isResumed: Bool, writeModel: (_ path: String) throws -> Void) throws {
    if !isResumed, let newest = try candidates.first {
      throw TrainingError(
        .storage, "\(path) already holds a run, up to \(newest). Say --resume auto to go on with it, or choose another --checkpoint-dir for a new run"
      )
    }
    if !isResumed || !FileSystem.exists(modelPath) {
      try willWrite("model.onnx")
      let temporary = "\(path)/\(OwnedName.make(.temporary, of: "model.onnx"))"
      try writeModel(temporary)
      try FileSystem.synchronize(temporary)
      try FileSystem.move(temporary, to: modelPath)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    try willWrite("run.json")
    try FileSystem.replace("\(path)/run.json", with: [UInt8](try encoder.encode(record)))
  }

  /// What the run was started with.
  /// - Throws: `TrainingError` when the folder holds no run.
  public func record() throws -> RunRecord {
    let file = "\(path)/run.json"
    guard FileSystem.exists(file) else { throw TrainingError(.checkpoint, "\(path) holds no run: there is no run.json") }
    do {
      return try JSONDecoder().decode(RunRecord.self, from: Data(try FileSystem.read(file)))
    } catch let error as DecodingError {
      throw TrainingError(.checkpoint, "\(file) cannot be understood: \(error)")
    }
  }

  /// The run that a path belongs to: the path itself, or the folder around a checkpoint.
  /// - Parameter path: the folder of a run or of one of its checkpoints.
  /// - Returns: the run's folder.
  public static func run(containing path: String) -> CheckpointDirectory {
    let folder = CheckpointDirectory(path)
    guard FileSystem.exists("\(folder.path)/\(Manifest.name)") else { return folder }
    let absolute = URL(fileURLWithPath: folder.path).standardizedFileURL
    return CheckpointDirectory(absolute.deletingLastPathComponent().path)
  }
}
