import CZlib
import Foundation

/// CIFAR-10 and CIFAR-100 in their binary form: records of one or two bytes for the label and 3 × 32 × 32 for the image, kept in memory as bytes.
///
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html. Of CIFAR-100's two labels the fine one is the class.
public struct CIFARDataset: ImageDataset {
  /// Which of the two.
  public enum Kind: Sendable, Hashable {
    /// Ten classes, files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
    case ten
    /// A hundred classes, files `train.bin` and `test.bin`.
    case hundred

    /// Bytes before the image; the last of them is the label.
    fileprivate var labelBytes: Int { self == .ten ? 1 : 2 }

    /// Names of a split's files.
    static func files(_ kind: Kind, _ split: Split) -> [String] {
      switch (kind, split) {
      case (.ten, .train): (1...5).map { "data_batch_\($0).bin" }
      case (.ten, .test): ["test_batch.bin"]
      case (.hundred, .train): ["train.bin"]
      case (.hundred, .test): ["test.bin"]
      }
    }

    /// What a file's name says it is.
    init?(fileName: String) {
      if fileName == "train.bin" || fileName == "test.bin" {
        self = .hundred
      } else if fileName == "test_batch.bin" || fileName.hasPrefix("data_batch_") && fileName.hasSuffix(".bin") {
        self = .ten
      } else {
        return nil
      }
    }
  }

  /// The first file.
  public let name: String
  /// [3, 32, 32].
  public let sampleShape = [3, 32, 32]
  /// 10 or 100.
  public let classCount: Int
  /// Number of samples.
  public let count: Int
  /// A fingerprint of all bytes.
  public let contentHash: UInt64
  private let bytes: [UInt8]
  private let labelBytes: Int
  private static let imageBytes = 3 * 32 * 32

  /// Reads files and checks them.
  /// - Throws: `DataError` that names the file: missing, of a length that is not whole records, with a label out of range.
  public init(_ kind: Kind, files: [String]) throws {
    labelBytes = kind.labelBytes
    classCount = kind == .ten ? 10 : 100
    let record = labelBytes + Self.imageBytes
    var bytes: [UInt8] = []
    for file in files {
      guard let content = FileManager.default.contents(atPath: file) else {
        throw DataError(.unreadable, file, "there is no such file, or it cannot be read")
      }
      guard !content.isEmpty, content.count.isMultiple(of: record) else {
        throw DataError(
          .corrupt, file, "its \(content.count) bytes are not whole records of \(record): truncated, or not CIFAR-\(classCount)'s binary form")
      }
      let first = bytes.count / record
      bytes += content
      for index in first..<bytes.count / record where Int(bytes[index * record + labelBytes - 1]) >= classCount {
        throw DataError(
          .corrupt, file,
          "record \(index - first) has the label \(bytes[index * record + labelBytes - 1]), CIFAR-\(classCount) has 0 to \(classCount - 1)")
      }
    }
    name = files.first ?? "CIFAR-\(classCount)"
    count = bytes.count / record
    self.bytes = bytes
    contentHash = UInt64(classCount) << 32 | UInt64(bytes.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) })
  }

  /// The class of sample `index`.
  public func label(at index: Int) -> Int32 { Int32(bytes[index * (labelBytes + Self.imageBytes) + labelBytes - 1]) }

  /// Writes the pixels of sample `index`, in [0, 1].
  public func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) {
    precondition((0..<count).contains(index) && pixels.count == Self.imageBytes, "sample \(index) of \(count), \(pixels.count) pixels")
    let start = index * (labelBytes + Self.imageBytes) + labelBytes
    bytes.withUnsafeBufferPointer { bytes in
      for place in 0..<Self.imageBytes { pixels[place] = Float(bytes[start + place]) / 255 }
    }
  }
}
