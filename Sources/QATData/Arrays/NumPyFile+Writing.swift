import CArchive
import Foundation
import QATTensor

extension NumPyFile {
  /// Arrays as a `.npz` file, which numpy.load reads.
  /// - Parameter arrays: names, and float32 tensors.
  /// - Returns: the file's bytes: a zip file of `<name>.npy`, not compressed; the same for the same arrays, whenever it is made.
  /// - Throws: `DataError` when libarchive has no memory, or a tensor is not of float32.
  public static func archive(_ arrays: [(name: String, tensor: Tensor)]) throws(DataError) -> Data {
    var files: [(name: String, contents: Data)] = []
    for (name, tensor) in arrays {
      guard let values = tensor.floats else { throw DataError(.unfit, name, "its elements are \(tensor.elementType), float32 is written") }
      files.append(("\(name).npy", npy(values, shape: tensor.shape)))
    }
    return try Archive.zip(files)
  }

  /// Version 1.0 of the format. Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
  private static func npy(_ values: [Float], shape: [Int]) -> Data {
    let tuple = shape.count == 1 ? "(\(shape[0]),)" : "(\(shape.map(String.init).joined(separator: ", ")))"
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(tuple), }"
    // Magic, version, length, header and the line's end together are a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var bytes = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: header.utf8)
    values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
  }
}

extension Archive {
  /// A zip file, not compressed and without times.
  /// - Throws: `DataError` when libarchive has no memory, or refuses a name.
  fileprivate static func zip(_ files: [(name: String, contents: Data)]) throws(DataError) -> Data {
    guard let archive = archive_write_new(), let entry = archive_entry_new() else { throw DataError(.unreadable, "zip", "libarchive has no memory") }
    defer {
      archive_entry_free(entry)
      archive_write_free(archive)
    }
    // Headers in front of a file and at the end, with the name in each, take far less.
    var bytes = Data(count: files.reduce(4096) { $0 + $1.contents.count + 2 * $1.name.utf8.count + 1024 })
    var used = 0
    let isWritten = bytes.withUnsafeMutableBytes { room in
      guard archive_write_set_format_zip(archive) == ARCHIVE_OK, archive_write_zip_set_compression_store(archive) == ARCHIVE_OK,
        archive_write_open_memory(archive, room.baseAddress, room.count, &used) == ARCHIVE_OK
      else { return false }
      for file in files {
        archive_entry_clear(entry)
        archive_entry_set_pathname_utf8(entry, file.name)
        archive_entry_set_size(entry, Int64(file.contents.count))
        archive_entry_set_filetype(entry, UInt32(regularFile))
        archive_entry_set_perm(entry, 0o644)
        guard archive_write_header(archive, entry) == ARCHIVE_OK,
          file.contents.withUnsafeBytes({ archive_write_data(archive, $0.baseAddress, $0.count) }) == file.contents.count
        else { return false }
      }
      return archive_write_close(archive) == ARCHIVE_OK
    }
    guard isWritten else {
      let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown"
      throw DataError(.unfit, files.map(\.name).joined(separator: ", "), "no zip file can be made of these: \(reason)")
    }
    return bytes.prefix(used)
  }
}
