import QATEngine
import QATGraph
import QATTensor

/// The samples that initialise quantizers and batch norm statistics: chosen once over the whole data set by the seed, the same on every rank and for every
/// number of ranks, preprocessed without mirroring and moving.
public struct CalibrationSource: BatchSource {
  private let reader: SampleReader
  private let samples: SampleOrder

  /// Chooses `count` samples, or all when the data set has fewer.
  /// - Throws: `DataError` when the preprocessing does not fit the samples.
  public init(dataset: any Dataset, preprocessing: Preprocessing, count: Int, seed: UInt64) throws {
    precondition(count >= 0, "a choice of \(count) samples")
    try preprocessing.validate(for: dataset.sampleShape)
    reader = SampleReader(dataset: dataset, preprocessing: preprocessing)
    samples = SampleOrder(choosing: min(count, dataset.count), of: dataset.count, seed: seed)
  }

  /// Number of samples chosen.
  public var sampleCount: Int { samples.count }

  /// The position, and the sample's number in the data set.
  public func name(of position: Int) -> String { "calibration sample \(position) (sample \(samples[position]) of \(reader.dataset.name))" }

  /// The labels of the samples at positions `range` of the choice.
  public func labels(of range: Range<Int>) -> [Int32]? { range.map { reader.dataset.label(at: samples[$0]) } }

  /// Writes the samples at positions `range` of the choice, preprocessed, one after the other.
  /// - Throws: `DataError` when the destination does not fit, or what the data set throws.
  public func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) throws {
    precondition(range.lowerBound >= 0 && range.upperBound <= sampleCount, "the samples \(range) of \(sampleCount)")
    guard destination.count == range.count * reader.sampleSize else {
      throw DataError(
        .unfit, reader.dataset.name,
        "the input '\(input)' takes \(destination.count) values for \(range.count) samples, but a sample of shape \(reader.dataset.sampleShape) has "
          + "\(reader.sampleSize) pixels")
    }
    for (place, position) in range.enumerated() {
      let pixels = UnsafeMutableBufferPointer(rebasing: destination[(place * reader.sampleSize)...].prefix(reader.sampleSize))
      try reader.read(samples[position], augmentKey: nil, into: pixels)
    }
  }
}
