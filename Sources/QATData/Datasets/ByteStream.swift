import CZlib
import Foundation

/// A file read from its beginning to its end, unpacked on the way when it is gzip.
final class ByteStream {
  private let path: String
  private let handle: gzFile
  /// Whether the file is gzip.
  let isCompressed: Bool

  /// Opens a file.
  /// - Throws: `DataError` with the system's reason.
  init(path: String) throws {
    self.path = path
    guard let handle = gzopen(path, "rb") else {
      throw DataError(.unreadable, path, "it cannot be opened: \(errno == 0 ? "out of memory" : String(cString: strerror(errno)))")
    }
    self.handle = handle
    gzbuffer(handle, 1 << 17)
    isCompressed = gzdirect(handle) == 0
  }

  deinit { gzclose_r(handle) }

  /// Exactly `count` bytes.
  /// - Throws: `DataError` when the file ends before, or is damaged.
  func read(_ count: Int, what: String) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      while done < count, let base = buffer.baseAddress {
        let got = gzread(handle, base + done, UInt32(min(count - done, 1 << 30)))
        if got < 0 { throw damaged() }
        if got == 0 {
          try requireSound()
          throw DataError(.corrupt, path, "it ends after \(done) of the \(count) bytes of its \(what): truncated, or not a file in IDX form")
        }
        done += Int(got)
      }
    }
  }

  /// Whether nothing follows. Unpacking the end of a gzip file checks its checksum.
  /// - Throws: `DataError` when the file is damaged.
  func isAtEnd() throws -> Bool {
    var byte: UInt8 = 0
    let got = gzread(handle, &byte, 1)
    if got < 0 { throw damaged() }
    try requireSound()
    return got == 0
  }

  private func requireSound() throws {
    var code: Int32 = Z_OK
    gzerror(handle, &code)
    if code != Z_OK && code != Z_STREAM_END { throw damaged() }
  }

  private func damaged() -> DataError {
    var code: Int32 = Z_OK
    let reason = gzerror(handle, &code).map { String(cString: $0) } ?? "unknown"
    let advice = code == Z_ERRNO ? "it cannot be read" : "the gzip data is truncated or damaged"
    return DataError(code == Z_ERRNO ? .unreadable : .corrupt, path, "\(advice) (\(reason)): fetch the file again")
  }
}
