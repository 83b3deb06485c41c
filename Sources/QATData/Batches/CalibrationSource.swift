import QATEngine
import QATGraph
import QATTensor

/// The samples that initialise quantizers and batch norm statistics: chosen once over the whole data set by the seed, the same on every rank and for every
/// number of ranks, preprocessed without random changes. For a corrupt sample that may be skipped, the next one stands in. Used from one thread.
public struct CalibrationSource: BatchSource {
  private let reader: SampleReader
  private let samples: SampleOrder
  private let workspace: SampleReader.Workspace

  /// Chooses `count` samples, or all when the data set has fewer.
  /// - Throws: `DataError` when the preprocessing does not fit the samples.
  public init(dataset: any Dataset, preprocessing: Preprocessing, count: Int, seed: UInt64, options: LoadingOptions = .init()) throws {
    precondition(count >= 0, "a choice of \(count) samples")
    reader = try SampleReader(dataset: dataset, preprocessing: preprocessing, options: options)
    samples = SampleOrder(choosing: min(count, dataset.count), of: dataset.count, seed: seed)
    workspace = reader.makeWorkspace()
  }

  /// Number of samples chosen.
  public var sampleCount: Int { samples.count }

  /// The position, and the sample's number in the data set.
  public func name(of position: Int) -> String { "calibration sample \(position) (sample \(samples[position]) of \(reader.dataset.name))" }

  /// The targets of the samples at positions `range` of the choice; nil where the data set has none.
  /// - Throws: what the data set throws.
  public func targets(of range: Range<Int>) throws -> TargetValues? {
    let target = reader.dataset.target
    if case .none = target { return nil }
    let isClasses = if case .classes = target { true } else { false }
    let size = target.elementCount
    var classes = [Int32](repeating: 0, count: isClasses ? range.count * size : 0)
    var numbers = [Float](repeating: 0, count: isClasses ? 0 : range.count * size)
    try classes.withUnsafeMutableBufferPointer { classes in
      try numbers.withUnsafeMutableBufferPointer { numbers in
        for (place, position) in range.enumerated() {
          _ = try reader.load(samples[position], workspace, replaces: true)
          let part = place * size..<(place + 1) * size
          try reader.writeTarget(
            of: samples[position], from: workspace, classes: .init(rebasing: classes[isClasses ? part : 0..<0]),
            numbers: .init(rebasing: numbers[isClasses ? 0..<0 : part]))
        }
      }
    }
    return TargetValues(classes: classes, numbers: numbers, count: range.count)
  }

  /// Writes what the samples at positions `range` of the choice feed to an input, preprocessed, one after the other.
  /// - Throws: `DataError` when the destination does not fit, or what the data set throws.
  public func read(_ range: Range<Int>, input: TensorName, into destination: UnsafeMutableBufferPointer<Float>) throws {
    precondition(range.lowerBound >= 0 && range.upperBound <= sampleCount, "the samples \(range) of \(sampleCount)")
    let index = try reader.dataset.index(ofInput: input)
    let size = reader.shapes[index].elementCount
    guard destination.count == range.count * size else {
      throw DataError(
        .unfit, reader.dataset.name,
        "the input '\(input)' takes \(destination.count) values for \(range.count) samples, but a sample of shape \(reader.shapes[index]) has "
          + "\(size) pixels")
    }
    for (place, position) in range.enumerated() {
      _ = try reader.load(samples[position], workspace, replaces: true)
      reader.write(
        input: index, augmentKey: nil, from: workspace, to: UnsafeMutableBufferPointer(rebasing: destination[(place * size)...].prefix(size)))
    }
  }
}
