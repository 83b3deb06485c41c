import Foundation
import QATCommunication
import QATSafetensors

extension CheckpointDirectory {
  /// Which checkpoint a run goes on from.
  public enum Choice: Sendable, Hashable {
    /// The newest valid one; from the beginning when there is none at all.
    case auto
    /// The newest valid one.
    case latest
    /// The one with the best evaluation.
    case best
    /// This one, and no other: the folder of a checkpoint; or of a run, whose newest valid one it then is; or a run's `latest` or `best`.
    case path(String)

    /// What `--resume` says.
    public init(_ text: String) {
      switch text {
      case "auto": self = .auto
      case "latest": self = .latest
      case "best": self = .best
      default: self = .path(text)
      }
    }
  }

  /// A checkpoint that was read.
  public struct Loaded: Sendable {
    /// What it holds.
    public var checkpoint: Checkpoint
    /// Its folder.
    public var path: String
  }

  /// Reads the checkpoint that `choice` says.
  /// - Parameters:
  ///   - choice: which one.
  ///   - identity: what the run is of; nil takes any.
  ///   - allowed: in what the run may differ from the checkpoint.
  ///   - warn: receives one sentence about each newer checkpoint that was passed over, with the reason.
  /// - Returns: the checkpoint and its folder; nil only for `.auto`, when the folder holds none.
  /// - Throws: `TrainingError` when there is none, when there are some but none is valid, or when it is of another run.
  public func load(
    _ choice: Choice, identity: RunIdentity? = nil, allowing allowed: Set<AllowedChange> = [], warn: (String) -> Void = { _ in }
  ) throws -> Loaded? {
    let found: Loaded?
    switch choice {
    case .auto: found = try newestValid(warn: warn)
    case .latest: found = try newestValid(warn: warn).orThrow(noCheckpoint)
    case .best: found = try best(of: newestValid(warn: warn).orThrow(noCheckpoint))
    case .path(let place):
      let folder = CheckpointDirectory(place)
      if let hint = Self.hint(folder.path) {
        found = try hint.run.load(hint.choice, warn: warn)
      } else if try folder.candidates.isEmpty, Self.checkpoint(at: folder.path) != nil {
        found = Loaded(checkpoint: try Self.read(folder.path), path: folder.path)
      } else {
        found = try folder.newestValid(warn: warn).orThrow(folder.noCheckpoint)
      }
    }
    if let found, let identity { try identity.require(found.checkpoint.state.identity, at: found.path, allowing: allowed) }
    return found
  }

  /// The same for all ranks: rank 0 reads, the others receive its bytes. All ranks call it together.
  /// - Parameters:
  ///   - choice: which one.
  ///   - identity: what the run is of.
  ///   - allowed: in what the run may differ from the checkpoint.
  ///   - communicator: the ranks.
  ///   - warn: receives, on rank 0, one sentence about each newer checkpoint that was passed over.
  /// - Returns: the same on every rank, nil on all when there is none.
  /// - Throws: rank 0's error, on every rank.
  public func load(
    _ choice: Choice, identity: RunIdentity?, allowing allowed: Set<AllowedChange> = [], communicator: any Communicator,
    warn: (String) -> Void = { _ in }
  ) throws -> Loaded? {
    let own = try communicator.together {
      communicator.isRoot ? try load(choice, identity: identity, allowing: allowed, warn: warn) : nil
    }
    if communicator.size == 1 { return own }
    let parts = try own.map { own in
      let checkpoint = own.checkpoint
      return [
        try Safetensors.encode(checkpoint.model), try Safetensors.encode(checkpoint.optimizer), [UInt8](try JSONEncoder().encode(checkpoint.state)),
        Array(own.path.utf8), [UInt8](checkpoint.objects.json),
      ]
    }
    let bytes = try (0..<5).map { try communicator.broadcast(parts?[$0] ?? [], from: 0) }
    if bytes[2].isEmpty { return nil }
    let checkpoint = Checkpoint(
      model: try Safetensors.decode(bytes[0]).tensors, optimizer: try Safetensors.decode(bytes[1]).tensors,
      state: try JSONDecoder().decode(TrainingState.self, from: Data(bytes[2])), objects: CheckpointObjects(json: Data(bytes[4])))
    return Loaded(checkpoint: checkpoint, path: String(decoding: bytes[3], as: UTF8.self))
  }

  /// Reads one checkpoint whose files are all what its manifest says.
  /// - Parameter folder: path of the checkpoint's folder.
  /// - Returns: the checkpoint.
  /// - Throws: `TrainingError` saying what is wrong with it.
  public static func read(_ folder: String) throws -> Checkpoint {
    let manifest = try Manifest(readingFrom: folder)
    let model = try manifest.bytes(of: "model.safetensors", in: folder)
    let optimizer = try manifest.bytes(of: "optimizer.safetensors", in: folder)
    let state = try manifest.bytes(of: "state.json", in: folder)
    let decoded = try TrainingState(json: state, file: "\(folder)/state.json")
    guard decoded.step == manifest.step else {
      throw TrainingError(
        .checkpoint, "\(folder) mixes two checkpoints: its manifest is of step \(manifest.step), its state of step \(decoded.step)")
    }
    let objects = try manifest.files[CheckpointObjects.fileName].map { _ in try manifest.bytes(of: CheckpointObjects.fileName, in: folder) }
    return Checkpoint(
      model: try Safetensors.decode(model).tensors, optimizer: try Safetensors.decode(optimizer).tensors, state: decoded,
      objects: objects.map { CheckpointObjects(json: Data($0)) } ?? CheckpointObjects())
  }

  private func newestValid(warn: (String) -> Void) throws -> Loaded? {
    var rejected: [String] = []
    for name in try candidates {
      let folder = "\(path)/\(name)"
      do {
        let checkpoint = try Self.read(folder)
        rejected.forEach(warn)
        return Loaded(checkpoint: checkpoint, path: folder)
      } catch {
        rejected.append("the checkpoint \(folder) cannot be used: \(error)")
      }
    }
    // Starting over silently would throw the run away.
    if !rejected.isEmpty {
      throw TrainingError(.checkpoint, "\(path) holds checkpoints, but none is valid. " + rejected.joined(separator: ". "))
    }
    return nil
  }

  /// The best checkpoint that the newest one knows of. The file `best` is for people.
  private func best(of newest: Loaded) throws -> Loaded {
    guard let best = newest.checkpoint.state.best else {
      throw TrainingError(
        .checkpoint, "no epoch of the run in \(path) has been evaluated yet, so none is the best. Say latest, or a checkpoint's folder")
    }
    let folder = "\(path)/\(Self.name(ofStep: best.step))"
    return Loaded(checkpoint: try Self.read(folder), path: folder)
  }

  private var noCheckpoint: TrainingError {
    TrainingError(
      .checkpoint,
      "\(FileSystem.exists(path) ? "\(path) holds no checkpoint to go on from" : "there is no folder \(path) to go on from"). "
        + "Leave --resume out, or say --resume auto, to begin a run")
  }
}

extension Optional {
  fileprivate func orThrow(_ error: @autoclosure () -> TrainingError) throws(TrainingError) -> Wrapped {
    guard let self else { throw error() }
    return self
  }
}
