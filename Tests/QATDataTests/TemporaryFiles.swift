import Foundation

/// A folder that goes with its owner.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("qat-data-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path).appendingPathComponent(name))
    return path + "/" + name
  }
}

/// A file in IDX form.
func idx(type: UInt8 = 8, _ dimensions: [UInt32], _ values: [UInt8]) -> [UInt8] {
  [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap { $0.bigEndianBytes } + values
}

/// A gzip file with its contents stored in one block, written without any library (RFC 1951 and 1952).
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  precondition(bytes.count <= 0xffff)
  let length = UInt16(bytes.count)
  var checksum: UInt32 = 0xffff_ffff
  for byte in bytes {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xedb8_8320 : checksum >> 1 }
  }
  let block: [UInt8] = [1, UInt8(length & 0xff), UInt8(length >> 8), UInt8(~length & 0xff), UInt8(~length >> 8)]
  return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] + block + bytes + (~checksum).bigEndianBytes.reversed()
    + UInt32(bytes.count).bigEndianBytes.reversed()
}

extension UInt32 {
  fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
