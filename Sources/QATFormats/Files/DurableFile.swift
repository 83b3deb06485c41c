import CTrainingSupport
import Foundation

/// The calls that whole files are made of; each is on the disk when it returns.
public enum DurableFile {
  /// Bytes that one call writes at most: a slow disk is then never asked for more than it takes in a moment.
  private static let pieceSize = 1 << 23

  /// Writes a file under a name that nobody reads yet, and waits until it is on the disk.
  /// - Parameters:
  ///   - bytes: all of it.
  ///   - path: the file; what was there before is lost.
  /// - Throws: `FileError`.
  public static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(FileError) {
    // A link in the place of the file would lead elsewhere.
    try put(bytes, into: path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, isDurable: true)
  }

  /// Writes into what is there already: a pipe, a device.
  static func writeInto(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(FileError) { try put(bytes, into: path, O_WRONLY, isDurable: false) }

  private static func put(_ bytes: UnsafeRawBufferPointer, into path: String, _ flags: Int32, isDurable: Bool) throws(FileError) {
    let descriptor = open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("create", path) }
    var fault: FileError?
    // A disk that is too full says so before anything is written.
    let reserved = isDurable ? qat_reserve(descriptor, Int64(bytes.count)) : 0
    if reserved != 0 { fault = FileError("write", path, code: reserved) }
    var rest = bytes[...]
    while fault == nil, !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceSize))
      let count = systemWrite(descriptor, piece.baseAddress, piece.count)
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 {
        fault = FileError("write", path, code: EIO)
      } else if errno != EINTR {
        fault = FileError("write", path)
      }
    }
    if isDurable, fault == nil, fsync(descriptor) != 0 { fault = FileError("write", path) }
    // Network file systems report a full disk here.
    if close(descriptor) != 0, fault == nil { fault = FileError("write", path) }
    if let fault { throw fault }
  }

  /// Renames, then makes the parent folder durable.
  /// - Parameters:
  ///   - path: what is renamed.
  ///   - target: its new name; a file there is replaced.
  /// - Throws: `FileError`.
  public static func move(_ path: String, to target: String) throws(FileError) {
    let source = identity(path)
    if rename(path, target) != 0 {
      let code = errno
      // A network file system that lost the answer to a successful rename asks again, and then reports an error: what counts is where the thing is now.
      guard let source, identity(path) == nil, identity(target) == source else { throw FileError("rename", path, "to \(target)", code: code) }
    }
    try synchronize(folder(of: target))
  }

  /// Waits until a folder's entries are on the disk.
  /// - Throws: `FileError`.
  public static func synchronize(_ folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", folder) }
    defer { close(descriptor) }
    // Some file systems cannot do this and say so; then there is nothing to wait for.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError("synchronize", folder) }
  }

  /// Makes a folder, and the ones above it.
  /// - Throws: `FileError`.
  public static func makeFolder(_ path: String) throws(FileError) {
    if mkdir(path, 0o755) == 0 { return try synchronize(folder(of: path)) }
    switch errno {
    case EEXIST where isFolder(path): return
    case ENOENT where path != folder(of: path):
      try makeFolder(folder(of: path))
      // Somebody else may have made it meanwhile.
      guard mkdir(path, 0o755) == 0 || errno == EEXIST && isFolder(path) else { throw FileError("create the folder", path) }
      try synchronize(folder(of: path))
    default: throw FileError("create the folder", path)
    }
  }

  /// The folder that holds a path: "." for a name alone, "/" for what lies in the root and for itself.
  ///
  /// Foundation's own way to it ends the program when the path is a single character.
  public static func folder(of path: String) -> String {
    func trimmed(_ text: Substring) -> Substring {
      var text = text
      while text.count > 1, text.last == "/" { text.removeLast() }
      return text
    }
    let whole = trimmed(path[...])
    guard let slash = whole.lastIndex(of: "/") else { return "." }
    return String(trimmed(whole[...slash]))
  }

  /// What a file or folder is, whatever its name: nil when there is nothing.
  public static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    return lstat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

// Inside `DurableFile`, `write` is our own.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
