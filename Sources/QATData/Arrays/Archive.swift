import CArchive
import Foundation

/// The files in a zip or tar file, in their order.
struct Archive {
  /// A file in it.
  struct Entry {
    /// Its path there.
    var path: String
    /// Its size in bytes.
    var size: Int
    /// Where its bytes begin in a tar file that is not compressed.
    var offset: Int
  }

  /// What libarchive calls AE_IFREG, a macro that Swift does not see.
  static let regularFile: mode_t = 0o100000
  /// The largest file that is unpacked, in bytes.
  private static let largest = 1 << 36

  /// Goes through the files in an archive.
  /// - Parameters:
  ///   - path: the archive.
  ///   - isTar: whether it must be a tar file that is not compressed; otherwise it is a zip file.
  ///   - visit: called with each regular file, and a function that unpacks it.
  /// - Throws: `DataError` when it cannot be read, and what `visit` throws.
  static func forEachFile(in path: String, isTar: Bool, _ visit: (_ entry: Entry, _ unpack: () throws(DataError) -> Data) throws -> Void) throws {
    guard let archive = archive_read_new() else { throw DataError(.unreadable, path, "libarchive has no memory") }
    defer { archive_read_free(archive) }
    func fault(_ code: DataError.Code = .corrupt) -> DataError {
      let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown"
      return DataError(code, path, "it cannot be read as a \(isTar ? "tar" : "zip") file: \(reason)")
    }
    if isTar { archive_read_support_format_tar(archive) } else { archive_read_support_format_zip(archive) }
    guard archive_read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK else { throw fault(.unreadable) }
    while true {
      var entry: OpaquePointer?
      let status = archive_read_next_header(archive, &entry)
      if status == ARCHIVE_EOF { return }
      guard status >= ARCHIVE_WARN, let entry else { throw fault() }
      guard archive_entry_filetype(entry) == regularFile, let name = archive_entry_pathname(entry) else { continue }
      let size = Int(archive_entry_size(entry))
      guard archive_entry_size_is_set(entry) != 0, size >= 0, size <= largest else {
        throw DataError(.corrupt, path, "it says no size of '\(String(cString: name))' that can be")
      }
      let found = Entry(path: String(cString: name), size: size, offset: Int(archive_filter_bytes(archive, 0)))
      try visit(found) { () throws(DataError) -> Data in
        var data = Data(count: size)
        let got = data.withUnsafeMutableBytes { archive_read_data(archive, $0.baseAddress, $0.count) }
        if got < 0 { throw fault() }
        guard got == size else { throw DataError(.corrupt, path, "'\(found.path)' has \(got) of its \(size) bytes: the file is cut off") }
        return data
      }
    }
  }
}
