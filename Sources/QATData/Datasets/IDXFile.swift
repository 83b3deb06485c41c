import CZlib
import Foundation

/// A file in the IDX form of MNIST, plain or gzip: a magic number (0, 0, type, number of dimensions), the dimensions as big-endian 32-bit numbers, then the
/// values in row-major order. Only unsigned bytes (type 8) are taken.
///
/// Reference: "The MNIST database of handwritten digits", Y. LeCun, C. Cortes, C. J. C. Burges.
struct IDXFile {
  let path: String
  let dimensions: [Int]
  let bytes: [UInt8]
  /// CRC-32 of the values.
  let checksum: UInt32

  /// Values of one file at most: lengths beyond are a corrupt header.
  private static let limit = 1 << 36
  /// Deflate cannot pack more than this many bytes into one.
  private static let greatestCompression = 1032

  /// Reads and checks the whole file.
  /// - Parameters:
  ///   - path: the file.
  ///   - rank: the number of dimensions it must have.
  ///   - content: what it holds, for messages.
  /// - Throws: `DataError` when it is missing, foreign, truncated, too long or fails its checksum. Nothing is allocated for lengths the file cannot hold.
  init(path: String, rank: Int, content: String) throws {
    func corrupt(_ message: String) -> DataError { DataError(.corrupt, path, message) }
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path), let fileSize = (attributes[.size] as? NSNumber)?.intValue else {
      throw DataError(.unreadable, path, "the file with the \(content) does not exist or cannot be looked at")
    }
    guard attributes[.type] as? FileAttributeType != .typeDirectory else {
      throw DataError(.unreadable, path, "this is a folder, not a file of \(content)")
    }
    let stream = try ByteStream(path: path)
    let header = try stream.read(4 + 4 * rank, what: "header")
    let magic: [UInt8] = [0, 0, 8, UInt8(rank)]
    guard Array(header.prefix(4)) == magic else {
      throw corrupt(
        "it begins with the bytes \(hexadecimal(header.prefix(4))); a file of \(content) in IDX form begins with \(hexadecimal(magic[...])) "
          + "(unsigned bytes, \(rank) dimension\(rank == 1 ? "" : "s"))")
    }
    dimensions = (1...rank).map { axis in header[(4 * axis)..<(4 * axis + 4)].reduce(0) { $0 << 8 | Int($1) } }
    guard dimensions.allSatisfy({ $0 > 0 }) else { throw corrupt("its dimensions are \(dimensions): every one must be positive") }
    var count = 1
    for dimension in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow, product <= Self.limit else { throw corrupt("its dimensions are \(dimensions): more than any file of \(content) holds") }
      count = product
    }
    let expected = header.count + count
    if stream.isCompressed {
      guard expected / Self.greatestCompression <= fileSize else {
        throw corrupt("its header promises \(expected) bytes (dimensions \(dimensions)), more than \(fileSize) compressed bytes can hold")
      }
    } else if expected != fileSize {
      throw corrupt("its header promises \(expected) bytes (dimensions \(dimensions)), the file has \(fileSize): truncated, or more was appended")
    }
    bytes = try stream.read(count, what: "values of dimensions \(dimensions)")
    guard try stream.isAtEnd() else { throw corrupt("more data follows the \(expected) bytes that its header promises (dimensions \(dimensions))") }
    checksum = bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
    self.path = path
  }
}

/// Bytes as people read them.
private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
  bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined(separator: " ")
}
