import Foundation
import QATFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension FileSystem {
  /// The bytes of a file.
  /// - Parameters:
  ///   - path: its path.
  ///   - size: the size it must have; nil for any up to `limit`. Compared before memory is taken.
  ///   - limit: the largest size that is read.
  /// - Returns: all of it.
  /// - Throws: `TrainingError` naming the file and what is wrong with it.
  static func read(_ path: String, size: Int? = nil, limit: Int = .max) throws(TrainingError) -> [UInt8] {
    // A pipe in the place of a file must not make us wait for somebody to write.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, reason: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, reason: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw TrainingError(.checkpoint, "\(path) is no file") }
    let found = Int(status.st_size)
    if let size, found != size { throw TrainingError(.checkpoint, "\(path) has \(found) bytes, its manifest says \(size)") }
    guard found <= limit else { throw TrainingError(.checkpoint, "\(path) has \(found) bytes; at most \(limit) are expected") }
    var reason: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: found) { buffer, count in
      count = 0
      while count < found {
        let part = systemRead(descriptor, buffer.baseAddress.map { $0 + count }, min(found - count, 1 << 30))
        if part < 0, errno == EINTR { continue }
        if part <= 0 {
          reason = part < 0 ? errno : EIO
          return
        }
        count += part
      }
    }
    guard bytes.count == found else { throw unreadable(path, reason: reason) }
    return bytes
  }

  /// Names in a folder, sorted; none when there is no such folder.
  /// - Returns: the names alone.
  /// - Throws: an error when the folder is there but cannot be listed: nobody may take that for an empty one.
  static func names(in folder: String) throws(TrainingError) -> [String] {
    guard exists(folder) else { return [] }
    func fault(_ code: Int32) -> TrainingError { TrainingError(.storage, "cannot list \(folder): \(String(cString: strerror(code)))") }
    // Foundation's errors keep the cause to themselves.
    guard let stream = opendir(folder) else { throw fault(errno) }
    closedir(stream)
    do { return try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch { throw fault(EIO) }
  }

  /// Whether there is something at a path, as far as one can see: what cannot be looked at exists.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  /// What a file or folder is, whatever its name: nil when there is nothing.
  static func identity(_ path: String) -> [UInt64]? { DurableFile.identity(path) }

  /// What an open file is.
  static func identity(_ descriptor: Int32) -> [UInt64]? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }

  private static func unreadable(_ path: String, reason: Int32) -> TrainingError {
    TrainingError(.checkpoint, "cannot read \(path): \(String(cString: strerror(reason)))")
  }
}

// Inside `FileSystem`, `read` is our own.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int { read(descriptor, bytes, count) }
