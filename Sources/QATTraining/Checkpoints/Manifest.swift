import CTrainingSupport
import Foundation

/// `MANIFEST.json`: what a checkpoint folder holds. Written last; a folder without it, or whose files differ from it, is no checkpoint.
///
/// Its last member is a checksum of all bytes before it, so that no byte of a checkpoint can change unnoticed.
struct Manifest: Codable, Equatable {
  struct File: Codable, Equatable {
    /// In bytes.
    var size: Int
    /// CRC-32C of the bytes, eight hexadecimal digits.
    var crc32c: String

    init(_ bytes: UnsafeRawBufferPointer) {
      size = bytes.count
      crc32c = checksum(bytes)
    }
  }

  static let name = "MANIFEST.json"
  static let format = "swift-qat checkpoint"
  static let version = 2
  /// More bytes than any manifest has: a larger file is not read.
  private static let largestSize = 1 << 20

  var format = Self.format
  var version = Self.version
  /// Steps done.
  var step: Int
  /// Epochs done.
  var epoch: Int
  /// Samples of the next epoch that are done.
  var position: Int
  /// By name.
  var files: [String: File]

  /// The manifest of a checkpoint with these files.
  init(of state: TrainingState, files: [(name: String, bytes: UnsafeRawBufferPointer)]) {
    step = state.step
    epoch = state.epoch
    position = state.position
    self.files = Dictionary(files.map { ($0.name, File($0.bytes)) }, uniquingKeysWith: { first, _ in first })
  }

  /// The manifest of a folder.
  /// - Throws: `TrainingError` when there is none, or when it is damaged or not one of ours.
  init(readingFrom folder: String) throws {
    let path = "\(folder)/\(Self.name)"
    guard FileSystem.exists(path) else { throw TrainingError(.checkpoint, "it has no \(Self.name): it was never completed") }
    let bytes = try FileSystem.read(path, limit: Self.largestSize)
    guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)), manifest.format == Self.format else {
      throw TrainingError(.checkpoint, "\(path) is not the manifest of a checkpoint")
    }
    guard manifest.version == Self.version else {
      throw TrainingError(.checkpoint, "\(path) has version \(manifest.version), this program reads version \(Self.version)")
    }
    let body = bytes.dropLast(Self.seal(of: []).count)
    guard bytes == body + Self.seal(of: body) else {
      throw TrainingError(.checkpoint, "\(path) is damaged: its checksum is not that of its bytes")
    }
    self = manifest
  }

  /// The bytes of the file. Equal manifests are equal bytes.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    // The seal is one more member: the brace that closes the object comes after it.
    let body = Array(String(decoding: try encoder.encode(self), as: UTF8.self).dropLast("\n}".count).utf8)
    return body + Self.seal(of: body[...])
  }

  private static func seal(of body: ArraySlice<UInt8>) -> [UInt8] {
    Array(",\n  \"manifest_crc32c\" : \"\(body.withUnsafeBytes(checksum))\"\n}\n".utf8)
  }

  /// The bytes of a file of the folder, when they are what was written.
  /// - Throws: `TrainingError` naming the file and what is wrong with it.
  func bytes(of name: String, in folder: String) throws -> [UInt8] {
    guard let expected = files[name] else { throw TrainingError(.checkpoint, "the manifest of \(folder) does not list \(name)") }
    let path = "\(folder)/\(name)"
    let bytes = try FileSystem.read(path, size: expected.size)
    let found = bytes.withUnsafeBytes(checksum)
    guard found == expected.crc32c else {
      throw TrainingError(.checkpoint, "\(path) is damaged: its checksum is \(found), its manifest says \(expected.crc32c)")
    }
    return bytes
  }

  /// Checks that every file of the folder is what was written.
  /// - Throws: `TrainingError` naming the first file that is not, and what is wrong with it.
  func verify(_ folder: String) throws {
    for name in files.keys.sorted() { _ = try bytes(of: name, in: folder) }
  }
}

/// CRC-32C, eight hexadecimal digits.
private func checksum(_ bytes: UnsafeRawBufferPointer) -> String {
  let digits = String(qat_crc32c(0, bytes.baseAddress, bytes.count), radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
