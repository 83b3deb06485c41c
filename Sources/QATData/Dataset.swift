/// Labelled images, read by number. The same on every rank and unchanged during a run; any thread may read.
public protocol Dataset: Sendable {
  /// Where the data comes from, for messages.
  var name: String { get }
  /// Number of samples.
  var count: Int { get }
  /// Shape of a sample: [channels, height, width].
  var sampleShape: [Int] { get }
  /// Number of classes: every label lies in 0..<classCount.
  var classCount: Int { get }
  /// The class of sample `index`, in 0..<classCount.
  func label(at index: Int) -> Int32
  /// Writes the pixels of sample `index`, scaled to [0, 1], row-major in the shape [channels, height, width].
  /// - Throws: `DataError` naming the file when the sample cannot be read.
  func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws
  /// A fingerprint of pixels, labels and shape: equal on ranks that see the same data.
  var contentHash: UInt64 { get }
}

/// Which part of a data set.
public enum Split: String, Sendable, Codable, CaseIterable {
  /// The samples to learn from.
  case train
  /// The samples to judge by.
  case test
}

extension Dataset {
  /// Checks that a network with `classes` outputs can learn every label.
  /// - Throws: `DataError` naming the first sample whose label is out of range.
  public func requireLabels(below classes: Int) throws {
    guard classCount > classes else { return }
    for index in 0..<count where label(at: index) >= Int32(clamping: classes) {
      throw DataError(
        .unfit, name, "sample \(index) has the label \(label(at: index)), but the network tells \(classes) classes apart, 0 to \(classes - 1)")
    }
  }
}
