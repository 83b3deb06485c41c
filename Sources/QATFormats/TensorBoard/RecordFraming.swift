import CTrainingSupport
import Foundation

/// A record as TFRecord files hold it: length (8 bytes, little-endian), its masked checksum, the data, their masked checksum.
func framed(_ data: Data) -> Data {
  var length = UInt64(data.count).littleEndian
  var record = withUnsafeBytes(of: &length) { Data($0) }
  record.append(maskedChecksum(record))
  record.append(data)
  record.append(maskedChecksum(data))
  return record
}

/// CRC-32C, rotated right by 15 bits, plus a constant: a checksum of data that hold checksums would otherwise be weak. Source: LevelDB's and TFRecord's format.
private func maskedChecksum(_ data: Data) -> Data {
  let checksum = data.withUnsafeBytes { qat_crc32c(0, $0.baseAddress, $0.count) }
  var masked = ((checksum >> 15 | checksum << 17) &+ 0xA282_EAD8).littleEndian
  return withUnsafeBytes(of: &masked) { Data($0) }
}
