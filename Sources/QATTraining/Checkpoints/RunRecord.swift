import Foundation
import QATJSON

/// `run.json`: what a run was started with, so that its checkpoints explain themselves and can be exported alone. One object: `configuration` in the form of a
/// configuration file with every default filled in, `versions`, and `ranks`.
public struct RunRecord: Sendable, Hashable {
  /// The resolved configuration: file, defaults and flags together. Paths are absolute, whatever folder the run was started in.
  public var configuration: RunConfiguration
  /// Versions of the program and of the libraries it computes with, by name.
  public var versions: [String: String]
  /// Number of ranks.
  public var rankCount: Int

  /// A record.
  public init(configuration: RunConfiguration, versions: [String: String], rankCount: Int) {
    self.configuration = configuration
    self.configuration.resolvePaths(against: ConfigurationPath.currentFolder)
    self.configuration.warnings = []
    self.versions = versions
    self.rankCount = rankCount
  }

  /// Reads the bytes of `run.json`.
  /// - Throws: `TrainingError` naming what of it is not understood.
  init(json: [UInt8], file: String) throws(TrainingError) {
    do {
      let root = try JSONDocument.parse(bytes: json, file: file).root
      guard let configuration = root["configuration"], let versions = root["versions"]?.members, let ranks = root["ranks"]?.number?.integer else {
        throw TrainingError(.checkpoint, "\(file) is not what a run notes: an object with configuration, versions and ranks is expected")
      }
      let names = versions.map { ($0.key, $0.value.string ?? "") }
      self.init(
        configuration: try RunConfiguration(configuration, file: file), versions: Dictionary(names, uniquingKeysWith: { first, _ in first }),
        rankCount: ranks)
    } catch let error as TrainingError {
      throw error
    } catch {
      throw TrainingError(.checkpoint, "\(file) cannot be understood: \(error)")
    }
  }

  /// The text of `run.json`.
  var json: String {
    let versions = versions.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
    return JSONValue.object([
      .init("configuration", configuration.resolvedJSON()), .init("ranks", .integer(rankCount)), .init("versions", .object(versions)),
    ]).text()
  }
}

extension CheckpointDirectory {
  /// Where the run's fp32 model lies.
  public var modelPath: String { "\(path)/model.onnx" }

  /// Notes what a run starts with: `run.json` and `model.onnx`. Called by rank 0 before training, after `prepare`.
  /// - Parameters:
  ///   - record: the run.
  ///   - checkpoint: where the run goes on; nil when it begins. The model stays as it is when the checkpoint is one of this folder.
  ///   - writeModel: writes the fp32 network to a path.
  /// - Throws: `TrainingError` when a run would begin in a folder with another run's checkpoints, or when a file cannot be written.
  public func begin(_ record: RunRecord, resuming checkpoint: Loaded?, writeModel: (_ path: String) throws -> Void) throws {
    let isOwn = checkpoint.map { holds($0.path) } ?? false
    try requireVacant(resuming: checkpoint)
    if isOwn, let step = checkpoint?.checkpoint.state.step { try abandon(after: step) }
    if !isOwn || !FileSystem.exists(modelPath) {
      try willWrite("model.onnx")
      let temporary = "\(path)/\(OwnedName.make(.temporary, of: "model.onnx"))"
      do {
        try writeModel(temporary)
        try FileSystem.synchronize(temporary)
        try FileSystem.move(temporary, to: modelPath)
      } catch {
        FileSystem.discard(temporary)
        throw error as? TrainingError ?? TrainingError(.storage, "cannot write \(modelPath): \(error)")
      }
    }
    try willWrite("run.json")
    try FileSystem.replace("\(path)/run.json", with: Array(record.json.utf8))
  }

  /// Checks that a run may begin in the folder, or go on in it: that it holds no other run's checkpoints. A folder that is missing holds none.
  /// - Parameter checkpoint: where the run goes on; nil when it begins.
  /// - Throws: `TrainingError` naming the newest checkpoint that is in the way.
  public func requireVacant(resuming checkpoint: Loaded?) throws {
    guard !(checkpoint.map { holds($0.path) } ?? false), let newest = try candidates.first else { return }
    throw TrainingError(
      .storage, "\(path) already holds a run, up to \(newest). Say --resume auto to go on with it, or choose another --checkpoint-dir for a new run")
  }

  /// Sets aside the checkpoints of steps that will be done again, perhaps differently: they are no longer of this run. The next run here removes them.
  private func abandon(after step: Int) throws {
    for name in try candidates where Self.step(of: name) ?? 0 > step {
      try FileSystem.move("\(path)/\(name)", to: "\(path)/\(OwnedName.make(.abandoned, of: name))")
    }
  }

  /// Whether a checkpoint's folder lies in this one.
  private func holds(_ checkpoint: String) -> Bool {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    return resolved(Self.run(containing: checkpoint).path) == resolved(path)
  }

  /// What the run was started with.
  /// - Throws: `TrainingError` when the folder holds no run.
  public func record() throws -> RunRecord {
    let file = "\(path)/run.json"
    guard FileSystem.exists(file) else {
      throw TrainingError(.checkpoint, FileSystem.exists(path) ? "\(path) holds no run: there is no run.json" : "there is no folder \(path)")
    }
    return try RunRecord(json: try FileSystem.read(file), file: file)
  }
}
