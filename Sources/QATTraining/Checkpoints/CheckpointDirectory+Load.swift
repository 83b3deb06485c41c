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
    /// This one, and no other: the folder of a checkpoint, or of a run, whose newest valid one it then is.
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

  /// Reads the checkpoint that `choice` says.
  /// - Parameters:
  ///   - choice: which one.
  ///   - identity: what the run is of; nil takes any.
  ///   - warn: receives one sentence about each newer checkpoint that was passed over, with the reason.
  /// - Returns: the checkpoint and its folder; nil only for `.auto`, when the folder holds none.
  /// - Throws: `TrainingError` when there is none, when there are some but none is valid, or when it is of another run.
  public func load(_ choice: Choice, identity: RunIdentity? = nil, warn: (String) -> Void = { _ in }) throws -> (
    checkpoint: Checkpoint, path: String
  )? {
    let found: (checkpoint: Checkpoint, path: String)?
    switch choice {
    case .auto: found = try newestValid(warn: warn)
    case .latest: found = try newestValid(warn: warn).orThrow(noCheckpoint)
    case .best:
      guard FileSystem.exists("\(path)/best") else { throw noCheckpoint }
      let name = String(decoding: try FileSystem.read("\(path)/best"), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      guard Self.step(of: name) != nil else { throw TrainingError(.checkpoint, "\(path)/best holds '\(name)', which is no checkpoint's name") }
      found = (try Self.read("\(path)/\(name)"), "\(path)/\(name)")
    case .path(let place):
      let folder = CheckpointDirectory(place)
      if FileSystem.exists("\(folder.path)/\(Manifest.name)") {
        found = (try Self.read(folder.path), folder.path)
      } else {
        found = try folder.newestValid(warn: warn).orThrow(folder.noCheckpoint)
      }
    }
    if let found, let identity { try identity.require(found.checkpoint.state.identity, at: found.path) }
    return found
  }

  /// The same for all ranks: rank 0 reads, the others receive its bytes. All ranks call it together.
  /// - Parameters:
  ///   - choice: which one.
  ///   - identity: what the run is of.
  ///   - communicator: the ranks.
  ///   - warn: receives, on rank 0, one sentence about each newer checkpoint that was passed over.
  /// - Returns: the same checkpoint on every rank, nil on all when there is none.
  /// - Throws: rank 0's error, on every rank.
  public func load(
    _ choice: Choice, identity: RunIdentity?, communicator: any Communicator, warn: (String) -> Void = { _ in }
  ) throws -> Checkpoint? {
    let own = try communicator.together {
      communicator.isRoot ? try load(choice, identity: identity, warn: warn)?.checkpoint : nil
    }
    if communicator.size == 1 { return own }
    let parts = try own.map { [try Safetensors.encode($0.model), try Safetensors.encode($0.optimizer), [UInt8](try JSONEncoder().encode($0.state))] }
    let bytes = try (0..<3).map { try communicator.broadcast(parts?[$0] ?? [], from: 0) }
    if bytes[2].isEmpty { return nil }
    return Checkpoint(
      model: try Safetensors.decode(bytes[0]).tensors, optimizer: try Safetensors.decode(bytes[1]).tensors,
      state: try JSONDecoder().decode(TrainingState.self, from: Data(bytes[2])))
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
    do {
      let decoded = try JSONDecoder().decode(TrainingState.self, from: Data(state))
      guard decoded.formatVersion == 1 else {
        throw TrainingError(.checkpoint, "\(folder)/state.json has version \(decoded.formatVersion), this program reads version 1")
      }
      guard decoded.step == manifest.step else {
        throw TrainingError(
          .checkpoint, "\(folder) mixes two checkpoints: its manifest is of step \(manifest.step), its state of step \(decoded.step)")
      }
      return Checkpoint(model: try Safetensors.decode(model).tensors, optimizer: try Safetensors.decode(optimizer).tensors, state: decoded)
    } catch let error as DecodingError {
      throw TrainingError(.checkpoint, "\(folder)/state.json cannot be understood: \(error)")
    }
  }

  private func newestValid(warn: (String) -> Void) throws -> (checkpoint: Checkpoint, path: String)? {
    var rejected: [String] = []
    for name in try candidates {
      let folder = "\(path)/\(name)"
      do {
        let checkpoint = try Self.read(folder)
        rejected.forEach(warn)
        return (checkpoint, folder)
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

  private var noCheckpoint: TrainingError {
    TrainingError(.checkpoint, "\(path) holds no checkpoint to go on from. Leave --resume out, or say --resume auto, to begin a run there")
  }
}

extension Optional {
  fileprivate func orThrow(_ error: @autoclosure () -> TrainingError) throws(TrainingError) -> Wrapped {
    guard let self else { throw error() }
    return self
  }
}
