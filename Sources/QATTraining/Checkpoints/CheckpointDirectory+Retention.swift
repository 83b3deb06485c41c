import Foundation

extension CheckpointDirectory {
  /// Removes the checkpoints that are no longer kept, now that the one of `state` is complete.
  ///
  /// Kept are the newest `keepLast`, the best, and those at the end of every `keepEveryEpochs`-th epoch.
  func removeOld(after state: TrainingState) throws {
    let current = Self.name(ofStep: state.step)
    for name in try candidates.dropFirst(keepLast) where name != current && !isKept(name, best: state.best) { try remove(name) }
    discardGarbage()
  }

  /// Removes the oldest checkpoint that is neither the newest valid one nor kept for ever.
  /// - Returns: whether there was one.
  func makeRoom(best: TrainingState.Best?) throws -> Bool {
    discardGarbage()
    let all = try candidates
    guard let newest = all.first(where: { (try? Manifest(readingFrom: "\(path)/\($0)").verify("\(path)/\($0)")) != nil }) else { return false }
    guard let oldest = all.last(where: { $0 != newest && !isKept($0, best: best) }) else { return false }
    try remove(oldest)
    return true
  }

  /// Removes what nobody is at work on any more.
  func discardGarbage() {
    for name in (try? FileSystem.names(in: path)) ?? [] where OwnedName.isAbandoned(name) { FileSystem.discard("\(path)/\(name)") }
  }

  /// Whether a checkpoint is kept for what it is, however old.
  private func isKept(_ name: String, best: TrainingState.Best?) -> Bool {
    if name == best.map({ Self.name(ofStep: $0.step) }) { return true }
    guard keepEveryEpochs > 0, let manifest = try? Manifest(readingFrom: "\(path)/\(name)") else { return false }
    return manifest.position == 0 && manifest.epoch > 0 && manifest.epoch % keepEveryEpochs == 0
  }

  /// Renames first, so that a crash half-way leaves no half checkpoint under a valid name.
  private func remove(_ name: String) throws {
    let trash = "\(path)/\(OwnedName.make(.trash, of: name))"
    try FileSystem.move("\(path)/\(name)", to: trash)
    FileSystem.discard(trash)
  }
}
