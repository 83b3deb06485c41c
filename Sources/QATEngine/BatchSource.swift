import QATGraph

/// A finite list of samples in a fixed order that is the same on every rank: what range initialisation, batch norm adaptation and
/// the choice of bit widths read.
public protocol BatchSource {
  /// Number of samples.
  var sampleCount: Int { get }
  /// Writes the samples at positions `range` of the order into `destination`, one after the other, row-major, preprocessed as in training.
  /// - Parameters:
  ///   - range: positions in the order.
  ///   - input: name of the network's input.
  ///   - destination: room for `range.count` samples.
  /// - Throws: an error that names the file when a sample cannot be read.
  func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) throws
  /// The targets of the samples at positions `range`; nil when they have none.
  /// - Throws: an error that names the file when a sample cannot be read.
  func targets(of range: Range<Int>) throws -> TargetValues?
  /// What the sample at a position is, for messages.
  func name(of position: Int) -> String
}

extension BatchSource {
  /// None.
  public func targets(of range: Range<Int>) throws -> TargetValues? { nil }

  /// The position.
  public func name(of position: Int) -> String { "calibration sample \(position)" }
}
