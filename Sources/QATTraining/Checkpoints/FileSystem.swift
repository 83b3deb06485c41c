import CTrainingSupport
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The few file operations of checkpoints, each durable when it returns, each with an error that names the path and the system's reason.
enum FileSystem {
  /// Bytes that one call writes at most: a slow disk is then never asked for more than it takes in a moment.
  private static let pieceSize = 1 << 23

  /// Writes a new file and waits until it is on the disk.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(TrainingError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("create", path) }
    var fault: TrainingError?
    // A disk that is too full says so before anything is written.
    let reserved = qat_reserve(descriptor, Int64(bytes.count))
    if reserved != 0 { fault = failure("write", path, code: reserved) }
    var rest = bytes[...]
    while fault == nil, !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceSize))
      let count = systemWrite(descriptor, piece.baseAddress, piece.count)
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 {
        fault = failure("write", path, code: EIO)
      } else if errno != EINTR {
        fault = failure("write", path)
      }
    }
    if fault == nil, fsync(descriptor) != 0 { fault = failure("write", path) }
    // Network file systems report a full disk here.
    if close(descriptor) != 0, fault == nil { fault = failure("write", path) }
    if let fault { throw fault }
  }

  /// Replaces a file: readers see the old bytes or the new ones.
  static func replace(_ path: String, with bytes: [UInt8]) throws {
    let name = (path as NSString).lastPathComponent
    let temporary = "\(folder(of: path))/\(OwnedName.make(.temporary, of: name))"
    do {
      try bytes.withUnsafeBytes { try write($0, to: temporary) }
      try move(temporary, to: path)
    } catch {
      discard(temporary)
      throw error
    }
  }

  /// Renames, then makes the parent folder durable.
  static func move(_ path: String, to target: String) throws(TrainingError) {
    let source = identity(path)
    if rename(path, target) != 0 {
      let code = errno
      // A network file system that lost the answer to a successful rename asks again, and then reports an error: what counts is where the thing is now.
      guard let source, identity(path) == nil, identity(target) == source else { throw failure("rename", path, "to \(target)", code: code) }
    }
    try synchronize(folder(of: target))
  }

  /// Puts `path` in the place of `target` in one step, and what was there in the place of `path`.
  /// - Returns: whether this file system can do so; when not, nothing has happened.
  static func exchange(_ path: String, with target: String) throws(TrainingError) -> Bool {
    guard qat_exchange(path, target) == 0 else { return false }
    try synchronize(folder(of: target))
    return true
  }

  /// Waits until a folder's entries are on the disk.
  static func synchronize(_ folder: String) throws(TrainingError) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", folder) }
    defer { close(descriptor) }
    // Some file systems cannot do this and say so; then there is nothing to wait for.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("synchronize", folder) }
  }

  /// Makes a folder, and the ones above it.
  static func makeFolder(_ path: String) throws(TrainingError) {
    if mkdir(path, 0o755) == 0 { return try synchronize(folder(of: path)) }
    switch errno {
    case EEXIST where isFolder(path): return
    case ENOENT where path != folder(of: path):
      try makeFolder(folder(of: path))
      // Somebody else may have made it meanwhile.
      guard mkdir(path, 0o755) == 0 || errno == EEXIST && isFolder(path) else { throw failure("create the folder", path) }
      try synchronize(folder(of: path))
    default: throw failure("create the folder", path)
    }
  }

  /// Removes a file or a folder with all it holds. What cannot be removed stays: it is garbage by its name.
  static func discard(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    for name in (try? names(in: path)) ?? [] { discard("\(path)/\(name)") }
    _ = rmdir(path)
  }

  /// The folder that holds a path.
  static func folder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  /// An error with the system's reason.
  static func failure(_ verb: String, _ path: String, _ more: String = "", code: Int32 = errno) -> TrainingError {
    let kind: TrainingError.Kind = code == ENOSPC || code == EDQUOT ? .storageFull : .storage
    return TrainingError(kind, "cannot \(verb) \(path)\(more.isEmpty ? "" : " " + more): \(String(cString: strerror(code)))")
  }
}

// Inside `FileSystem`, `write` is our own.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
