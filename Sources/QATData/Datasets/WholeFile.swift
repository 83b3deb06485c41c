import Foundation

/// Reads files whole into memory that is used again.
enum WholeFile {
  /// The largest file that is read, in bytes.
  private static let largest = 1 << 30

  /// Reads a file, or a part of one.
  /// - Parameters:
  ///   - path: the file.
  ///   - range: the part; all of it when nil.
  ///   - sample: whose memory takes the bytes.
  /// - Returns: the bytes, until the next file.
  /// - Throws: `DataError` with the system's reason.
  static func read(_ path: String, _ range: Range<Int>? = nil, into sample: Sample) throws(DataError) -> UnsafeBufferPointer<UInt8> {
    func fault(_ what: String) -> DataError { DataError(.unreadable, path, "it cannot be \(what): \(String(cString: strerror(errno)))") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw fault("read") }
    let range = range ?? 0..<Int(status.st_size)
    guard range.count <= largest else {
      throw DataError(.corrupt, path, "its \(range.count) bytes are too many for one sample, at most \(largest)")
    }
    let bytes = sample.fileBytes(range.count)
    var done = 0
    while done < range.count, let base = bytes.baseAddress {
      let got = pread(descriptor, base + done, range.count - done, off_t(range.lowerBound + done))
      if got < 0, errno == EINTR { continue }
      if got < 0 { throw fault("read") }
      guard got > 0 else {
        throw DataError(.corrupt, path, "it ends after \(range.lowerBound + done) bytes, before the \(range.upperBound) that were expected")
      }
      done += got
    }
    return UnsafeBufferPointer(bytes)
  }
}

/// A fingerprint of names, numbers and bytes, the same on every machine (FNV-1a). Against accidents, not against adversaries.
struct ContentHash {
  private(set) var value: UInt64 = 14_695_981_039_346_656_037

  mutating func feed(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 1_099_511_628_211 }

  mutating func feed(_ text: String) {
    for byte in text.utf8 { feed(byte) }
    feed(0)
  }

  mutating func feed(_ bytes: UnsafeRawBufferPointer) { for byte in bytes { feed(byte) } }

  mutating func feed(_ number: Int) { withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { for byte in $0 { feed(byte) } } }
}
