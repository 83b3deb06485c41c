import QATTensor

/// Images of one size with one class each.
public protocol ImageDataset: Dataset {
  /// Shape of a sample: [channels, height, width].
  var sampleShape: [Int] { get }
  /// Number of classes: every label lies in 0..<classCount.
  var classCount: Int { get }
  /// The class of sample `index`, in 0..<classCount.
  func label(at index: Int) -> Int32
  /// Writes the pixels of sample `index`, scaled to [0, 1], row-major in the shape [channels, height, width].
  /// - Throws: `DataError` naming the file when the sample cannot be read.
  func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) throws
}

extension ImageDataset {
  /// The image.
  public var inputs: [SampleInput] { [SampleInput(shape: sampleShape)] }

  /// One class.
  public var target: SampleTarget { .classes(shape: [], count: classCount) }

  /// The label.
  public func classLabel(at index: Int) -> Int32? { label(at: index) }

  /// Reads the image and its class.
  public func read(_ index: Int, into sample: Sample) throws {
    try readSample(index, into: sample.input(0))
    if !sample.classes.isEmpty { sample.classes[0] = label(at: index) }
  }
}
