import Foundation
import QATSafetensors

extension CheckpointDirectory {
  /// Writes a checkpoint: either all of it is there under its name, or nothing. Equal checkpoints are equal bytes.
  /// - Parameter checkpoint: everything that the run needs to go on.
  /// - Returns: path of the checkpoint's folder.
  /// - Throws: `TrainingError` naming the file and the system's reason; then what was there before is untouched.
  @discardableResult
  public func save(_ checkpoint: Checkpoint) throws -> String {
    let model = try Safetensors.encode(checkpoint.model, metadata: Self.metadata)
    let optimizer = try Safetensors.encode(checkpoint.optimizer, metadata: Self.metadata)
    return try model.withUnsafeBytes { model in
      try optimizer.withUnsafeBytes { try save(model: model, optimizer: $0, state: checkpoint.state, objects: checkpoint.objects) }
    }
  }

  /// Writes a checkpoint as a folder of its own, outside of any run: either all of it is there, or what was there before.
  static func save(_ checkpoint: Checkpoint, at folder: String) throws {
    let parent = CheckpointDirectory(FileSystem.folder(of: folder))
    try FileSystem.makeFolder(parent.path)
    let model = try Safetensors.encode(checkpoint.model, metadata: metadata)
    let optimizer = try Safetensors.encode(checkpoint.optimizer, metadata: metadata)
    try model.withUnsafeBytes { model in
      try optimizer.withUnsafeBytes { optimizer in
        try withFiles(model: model, optimizer: optimizer, checkpoint.state, checkpoint.objects) { files, manifest in
          try parent.complete(CheckpointDirectory(folder).path, files: files, manifest: manifest)
        }
      }
    }
  }

  /// What the safetensors files say of themselves.
  static let metadata = ["format": "pt"]

  /// Writes a checkpoint from the bytes of its tensor files. When the disk is full, the oldest checkpoint that nobody needs makes room, once.
  func save(
    model: UnsafeRawBufferPointer, optimizer: UnsafeRawBufferPointer, state: TrainingState, objects: CheckpointObjects = .init()
  ) throws -> String {
    try Self.withFiles(model: model, optimizer: optimizer, state, objects) { files, manifest in
      let target = "\(path)/\(Self.name(ofStep: state.step))"
      // A run that stops before its first step comes to save what it has just read.
      if !isStored(manifest, at: target) {
        do {
          try complete(target, files: files, manifest: manifest)
        } catch let error as TrainingError where error.kind == .storageFull {
          guard try makeRoom(best: state.best) else { throw error }
          try complete(target, files: files, manifest: manifest)
        }
      }
      try settle(state)
      return target
    }
  }

  /// Lends the files of a checkpoint and the bytes of their manifest. Objects have a file where there are some.
  private static func withFiles<Result>(
    model: UnsafeRawBufferPointer, optimizer: UnsafeRawBufferPointer, _ state: TrainingState, _ objects: CheckpointObjects,
    _ body: (_ files: [(name: String, bytes: UnsafeRawBufferPointer)], _ manifest: [UInt8]) throws -> Result
  ) throws -> Result {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let text = [UInt8](try encoder.encode(state))
    return try text.withUnsafeBytes { text in
      try objects.json.withUnsafeBytes { own in
        var files = [(name: "model.safetensors", bytes: model), ("optimizer.safetensors", optimizer), ("state.json", text)]
        if !objects.isEmpty { files.append((CheckpointObjects.fileName, own)) }
        return try body(files, try Manifest(of: state, files: files).encoded())
      }
    }
  }

  /// Whether this very checkpoint is there, whole.
  private func isStored(_ manifest: [UInt8], at folder: String) -> Bool {
    guard let stored = try? FileSystem.read("\(folder)/\(Manifest.name)", size: manifest.count), stored == manifest else { return false }
    return (try? Manifest(readingFrom: folder).verify(folder)) != nil
  }

  /// Writes a folder under a name that nobody reads, and gives it its own when it is whole.
  private func complete(_ target: String, files: [(name: String, bytes: UnsafeRawBufferPointer)], manifest: [UInt8]) throws {
    let name = (target as NSString).lastPathComponent
    let temporary = "\(path)/\(OwnedName.make(.temporary, of: name))"
    do {
      try FileSystem.makeFolder(temporary)
      for (name, bytes) in files {
        try willWrite(name)
        try FileSystem.write(bytes, to: "\(temporary)/\(name)")
      }
      try willWrite(Manifest.name)
      try manifest.withUnsafeBytes { try FileSystem.write($0, to: "\(temporary)/\(Manifest.name)") }
      try FileSystem.synchronize(temporary)
      try willWrite("rename")
      // A run that went back behind a checkpoint comes by its name again.
      if FileSystem.exists(target) {
        if try FileSystem.exchange(temporary, with: target) {
          FileSystem.discard(temporary)
          return
        }
        try FileSystem.move(target, to: "\(path)/\(OwnedName.make(.trash, of: name))")
      }
      try FileSystem.move(temporary, to: target)
    } catch {
      FileSystem.discard(temporary)
      throw error
    }
  }

  /// Once a checkpoint is complete: the hints to it, and the end of those that it makes old.
  private func settle(_ state: TrainingState) throws {
    try willWrite("latest")
    try hint("latest", to: Self.name(ofStep: state.step))
    // Also when an earlier run was cut off between its best checkpoint and this hint.
    if let best = state.best.map({ Self.name(ofStep: $0.step) }), FileSystem.exists("\(path)/\(best)") { try hint("best", to: best) }
    try removeOld(after: state)
  }

  private func hint(_ hint: String, to name: String) throws {
    let bytes = Array("\(name)\n".utf8)
    if (try? FileSystem.read("\(path)/\(hint)", size: bytes.count)) == bytes { return }
    try FileSystem.replace("\(path)/\(hint)", with: bytes)
  }
}
