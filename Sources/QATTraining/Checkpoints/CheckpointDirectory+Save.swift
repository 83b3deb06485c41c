import Foundation
import QATSafetensors

extension CheckpointDirectory {
  /// Writes a checkpoint: either all of it is there under its name, or nothing. Equal checkpoints are equal bytes.
  /// - Returns: path of the checkpoint's folder.
  /// - Throws: `TrainingError` naming the file and the system's reason; then what was there before is untouched.
  @discardableResult
  public func save(_ checkpoint: Checkpoint) throws -> String {
    let name = Self.name(ofStep: checkpoint.state.step)
    let target = "\(path)/\(name)"
    let temporary = "\(path)/.tmp-\(name)"
    FileSystem.discard(temporary)
    do {
      try write(checkpoint, to: temporary)
      try willWrite("rename")
      // A run that fell back behind a damaged checkpoint comes by its name again.
      if FileSystem.exists(target) { try FileSystem.move(target, to: "\(path)/.trash-\(name)") }
      try FileSystem.move(temporary, to: target)
    } catch {
      FileSystem.discard(temporary)
      throw error
    }
    try willWrite("latest")
    try FileSystem.replace("\(path)/latest", with: Array("\(name)\n".utf8))
    if let best = checkpoint.state.best, best.step == checkpoint.state.step {
      try FileSystem.replace("\(path)/best", with: Array("\(name)\n".utf8))
    }
    try removeOld(best: checkpoint.state.best.map { Self.name(ofStep: $0.step) })
    return target
  }

  private func write(_ checkpoint: Checkpoint, to folder: String) throws {
    try FileSystem.makeFolder(folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let files: [String: [UInt8]] = [
      "model.safetensors": try Safetensors.encode(checkpoint.model, metadata: ["format": "pt"]),
      "optimizer.safetensors": try Safetensors.encode(checkpoint.optimizer, metadata: ["format": "pt"]),
      "state.json": [UInt8](try encoder.encode(checkpoint.state)),
    ]
    for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
      try willWrite(name)
      try FileSystem.write(bytes, to: "\(folder)/\(name)")
    }
    try willWrite(Manifest.name)
    let manifest = Manifest(step: checkpoint.state.step, files: files)
    try FileSystem.write([UInt8](try encoder.encode(manifest)), to: "\(folder)/\(Manifest.name)")
    try FileSystem.synchronize(folder)
  }

  /// Renames first, so that a crash half-way leaves no half checkpoint under a valid name.
  private func removeOld(best: String?) throws {
    for name in candidates.dropFirst(keptCount) where name != best {
      let trash = "\(path)/.trash-\(name)"
      try FileSystem.move("\(path)/\(name)", to: trash)
      FileSystem.discard(trash)
    }
    FileSystem.names(in: path).filter { $0.hasPrefix(".trash-") }.forEach { FileSystem.discard("\(path)/\($0)") }
  }
}
