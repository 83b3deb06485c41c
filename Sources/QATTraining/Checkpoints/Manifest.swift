import CTrainingSupport
import Foundation

/// `MANIFEST.json`: what a checkpoint folder holds. Written last; a folder without it, or whose files differ from it, is no checkpoint.
struct Manifest: Codable, Equatable {
  struct File: Codable, Equatable {
    /// In bytes.
    var size: Int
    /// CRC-32C of the bytes, eight hexadecimal digits.
    var crc32c: String

    init(_ bytes: [UInt8]) {
      size = bytes.count
      let digits = String(bytes.withUnsafeBytes { qat_crc32c(0, $0.baseAddress, $0.count) }, radix: 16)
      crc32c = String(repeating: "0", count: 8 - digits.count) + digits
    }
  }

  static let name = "MANIFEST.json"
  static let format = "swift-qat checkpoint"
  static let version = 1

  var format = Self.format
  var version = Self.version
  var step: Int
  /// By name.
  var files: [String: File]

  /// The manifest of a folder.
  /// - Throws: `TrainingError` when there is none, or when it is not one of ours.
  init(readingFrom folder: String) throws {
    let path = "\(folder)/\(Self.name)"
    guard FileSystem.exists(path) else { throw TrainingError(.checkpoint, "it has no \(Self.name): it was never completed") }
    let bytes = try FileSystem.read(path)
    guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)), manifest.format == Self.format else {
      throw TrainingError(.checkpoint, "\(path) is not the manifest of a checkpoint")
    }
    guard manifest.version == Self.version else {
      throw TrainingError(.checkpoint, "\(path) has version \(manifest.version), this program reads version \(Self.version)")
    }
    self = manifest
  }

  init(step: Int, files: [String: [UInt8]]) {
    self.step = step
    self.files = files.mapValues(File.init)
  }

  /// The bytes of a file of the folder, when they are what was written.
  /// - Throws: `TrainingError` naming the file and what is wrong with it.
  func bytes(of name: String, in folder: String) throws -> [UInt8] {
    guard let expected = files[name] else { throw TrainingError(.checkpoint, "the manifest of \(folder) does not list \(name)") }
    let path = "\(folder)/\(name)"
    let bytes = try FileSystem.read(path)
    let found = File(bytes)
    guard found.size == expected.size else {
      throw TrainingError(.checkpoint, "\(path) has \(found.size) bytes, its manifest says \(expected.size)")
    }
    guard found.crc32c == expected.crc32c else {
      throw TrainingError(.checkpoint, "\(path) is damaged: its checksum is \(found.crc32c), its manifest says \(expected.crc32c)")
    }
    return bytes
  }
}
