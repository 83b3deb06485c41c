import Foundation

/// The bytes of a file, mapped where that is safe.
/// - Parameter path: its path.
/// - Returns: all of it.
/// - Throws: `FileError` with the system's cause.
public func contents(ofFile path: String) throws(FileError) -> Data {
  // Foundation's errors keep the cause to themselves. A pipe in the place of a file must not make us wait for somebody to write.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw FileError("read", path) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw FileError("read", path) }
  guard status.st_mode & S_IFMT != S_IFDIR else { throw FileError("read", path, code: EISDIR) }
  do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch { throw FileError("read", path, code: EIO) }
}
