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
  /// Writes a new file and waits until it is on the disk.
  static func write(_ bytes: [UInt8], to path: String) throws(TrainingError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw failure("create", path) }
    var written = 0
    var error: TrainingError?
    while written < bytes.count, error == nil {
      // Pieces of 16 MiB: one write call moves at most 2 GiB on Linux.
      let count = bytes[written..<min(written + 1 << 24, bytes.count)].withUnsafeBytes { unistdWrite(descriptor, $0) }
      if count > 0 {
        written += count
      } else if count < 0, errno != EINTR {
        error = failure("write", path)
      }
    }
    if error == nil, fsync(descriptor) != 0 { error = failure("write", path) }
    // Network file systems report a full disk here.
    if close(descriptor) != 0, error == nil { error = failure("write", path) }
    if let error { throw error }
  }

  private static func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #elseif canImport(Musl)
      Musl.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }

  /// Replaces a file: readers see the old bytes or the new ones.
  static func replace(_ path: String, with bytes: [UInt8]) throws(TrainingError) {
    let temporary = path + ".tmp"
    try write(bytes, to: temporary)
    try move(temporary, to: path)
  }

  /// Renames, then makes the parent folder durable.
  static func move(_ path: String, to target: String) throws(TrainingError) {
    guard rename(path, target) == 0 else { throw failure("rename", path, "to \(target)") }
    try synchronize((target as NSString).deletingLastPathComponent)
  }

  /// Waits until a folder's entries are on the disk.
  static func synchronize(_ folder: String) throws(TrainingError) {
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY)
    guard descriptor >= 0 else { throw failure("open", folder) }
    defer { close(descriptor) }
    // Some file systems cannot do this and say so; then there is nothing to wait for.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("synchronize", folder) }
  }

  /// Makes a folder, and the ones above it.
  static func makeFolder(_ path: String) throws(TrainingError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw TrainingError(.storage, "cannot create the folder \(path): \(reason(error))")
    }
  }

  /// The bytes of a file.
  static func read(_ path: String) throws(TrainingError) -> [UInt8] {
    do {
      return try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw TrainingError(.checkpoint, "cannot read \(path): \(reason(error))")
    }
  }

  /// Names in a folder, sorted; none when there is no such folder.
  static func names(in folder: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }

  /// Whether there is something at a path.
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Removes a file or a folder with all it holds. What cannot be removed stays: it is garbage by its name.
  static func discard(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  private static func failure(_ verb: String, _ path: String, _ more: String = "") -> TrainingError {
    let reason = String(cString: strerror(errno))
    return TrainingError(.storage, "cannot \(verb) \(path)\(more.isEmpty ? "" : " " + more): \(reason)")
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    if let underlying, underlying.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(underlying.code))) }
    return error.localizedDescription
  }
}
