import Foundation
import QATFiles
import QATTensor

/// Named tensors in one file, in the safetensors format: 8 bytes header length N (little-endian), N bytes JSON, then the elements of all tensors.
///
/// Any tool that knows the format opens what `encode` writes. Reading trusts nothing: every size is checked before memory is touched.
/// Source: https://github.com/huggingface/safetensors (format description).
public enum Safetensors {
  /// The longest header that is read or written, in bytes; the format's own limit.
  public static let maximumHeaderByteCount = 100_000_000

  /// Reads all tensors of a file. float16 and bfloat16 tensors are widened to float32, exactly.
  /// - Parameter path: path of the file.
  /// - Returns: the tensors by name, and the file's metadata.
  /// - Throws: `SafetensorsError` when the file cannot be read or is not a valid safetensors file, or holds an element type that `Tensor` has not.
  public static func read(contentsOf path: String) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
    let data: Data
    do throws(FileError) { data = try contents(ofFile: path) } catch { throw SafetensorsError(file: path, error.reason) }
    do {
      return try data.withUnsafeBytes { try decode($0) }
    } catch var error as SafetensorsError {
      error.file = path
      throw error
    }
  }

  /// Reads all tensors from the bytes of a file.
  /// - Parameter bytes: a whole file.
  /// - Returns: the tensors by name, and the metadata.
  /// - Throws: `SafetensorsError` as `read(contentsOf:)`.
  public static func decode(_ bytes: [UInt8]) throws -> (tensors: [String: Tensor], metadata: [String: String]) {
    try bytes.withUnsafeBytes { try decode($0) }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) -> (tensors: [String: Tensor], metadata: [String: String]) {
    guard bytes.count >= 8 else {
      throw SafetensorsError("\(bytes.count) bytes are too few for a safetensors file, which starts with an 8-byte length")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(maximumHeaderByteCount), length <= UInt64(bytes.count - 8) else {
      throw SafetensorsError(
        "the header is said to have \(length) bytes, but \(bytes.count - 8) follow (limit \(maximumHeaderByteCount)): truncated, or not a safetensors file"
      )
    }
    let headerEnd = 8 + Int(length)
    let header = try SafetensorsHeader(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<headerEnd]))
    let buffer = UnsafeRawBufferPointer(rebasing: bytes[headerEnd...])
    try header.check(bufferByteCount: buffer.count)
    var tensors: [String: Tensor] = [:]
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries {
      let part = UnsafeRawBufferPointer(rebasing: buffer[entry.begin..<entry.end])
      tensors[entry.name] = Tensor(shape: entry.shape, elements: try entry.elements(from: part))
    }
    return (tensors, header.metadata)
  }
}
