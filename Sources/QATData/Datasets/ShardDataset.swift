import Foundation

/// Samples in tar files, in WebDataset's form: files that follow each other and are called alike up to the first dot of their names belong to one sample, and what
/// follows the dot says what each is.
///
/// `jpg`, `jpeg` and `png` are the image, `cls` is the class as a number in text, `NAME.npy` is an array that feeds the network's input of that name or, under one of
/// `ArrayDataset.targetNames`, is the target. Other files are left alone. The tar files are not compressed: each sample is read from where it lies, which is noted
/// when the data set is opened. Source: https://github.com/webdataset/webdataset.
public struct ShardDataset: Dataset {
  /// The first tar file.
  public let name: String
  /// The image and the arrays.
  public let inputs: [SampleInput]
  /// A class, an array, or none.
  public let target: SampleTarget
  /// A fingerprint of names, sizes and classes.
  public let contentHash: UInt64
  private let shards: [String]
  private let channels: Int
  private let columns: [ShardColumn]
  private let samples: [ShardIndex.Place]
  private let parts: [Range<Int>]
  private let labels: [Int32]

  /// Notes where the samples of tar files lie.
  /// - Parameters:
  ///   - shards: the files, in their order.
  ///   - reading: what of the targets is read.
  ///   - channels: channels of decoded images: 3, or 1 for grey.
  /// - Throws: `DataError` when a file cannot be read or samples differ in what they hold.
  public init(shards: [String], reading: TargetReading = .asStored, channels: Int = 3) throws {
    var index = ShardIndex(readsTargets: reading != .none)
    for (number, shard) in shards.enumerated() {
      try Archive.forEachFile(in: shard, isTar: true) { entry, unpack in try index.add(entry, in: shard, number: number, unpack) }
      try index.endSample(in: shard)
    }
    let first = shards.first ?? "tar files"
    name = first
    self.shards = shards
    self.channels = channels
    guard let columns = index.columns, columns.contains(where: { !$0.isTarget }) else {
      throw DataError(.unfit, first, "it holds no sample with an input: looked for files like 000.jpg beside 000.cls, and arrays like 000.NAME.npy")
    }
    self.columns = columns
    samples = index.samples
    parts = index.parts
    labels = index.labels
    let isOne = columns.filter { !$0.isTarget }.count == 1
    inputs = columns.filter { !$0.isTarget }.map { column in
      let content: SampleInput.Content = column.isImage ? .image(channels: channels, size: nil) : SampleInput(shape: column.shape).content
      return SampleInput(isOne ? nil : column.name, content)
    }
    if let column = columns.first(where: \.isTarget) {
      // How many classes an array of them has is not known before all are read: the network's number is checked then.
      target = reading == .asStored && column.isWhole ? .classes(shape: column.shape, count: 0) : .numbers(shape: column.shape)
    } else if labels.isEmpty {
      target = .none
    } else {
      target = reading == .asNumbers ? .numbers(shape: []) : .classes(shape: [], count: Int(labels.max() ?? -1) + 1)
    }
    contentHash = index.hash.value
  }

  /// Number of samples.
  public var count: Int { samples.count }

  /// The class of sample `index`, where `cls` says one.
  public func classLabel(at index: Int) -> Int32? { labels.isEmpty ? nil : labels[index] }

  /// Reads and decodes sample `index`.
  /// - Throws: `DataError` naming the tar file and the sample.
  public func read(_ index: Int, into sample: Sample) throws {
    let place = samples[index]
    let shard = shards[Int(place.shard)]
    var input = 0
    for (number, column) in columns.enumerated() {
      let file = "\(shard): \(place.key).\(column.ending)"
      let bytes = try WholeFile.read(shard, parts[index * columns.count + number], into: sample)
      if column.isImage {
        try ImageDecoder.decode(bytes, name: file, channels: channels, into: sample, input: input)
      } else {
        let array = try NumPyArray(Data(bytes), name: file)
        guard array.shape == column.shape, array.elementType.isFloatingPoint != column.isWhole else {
          throw DataError(.corrupt, file, "the array is \(array.elementType.rawValue) \(array.shape), that of the first sample is \(column.shape)")
        }
        if !column.isTarget {
          array.read(row: 0, into: sample.input(input))
        } else if sample.classes.isEmpty {
          array.read(row: 0, into: sample.numbers)
        } else {
          array.read(row: 0, into: sample.classes)
        }
      }
      if !column.isTarget { input += 1 }
    }
    guard !labels.isEmpty else { return }
    if sample.classes.isEmpty { sample.numbers[0] = Float(labels[index]) } else { sample.classes[0] = labels[index] }
  }

  /// The tar files that a pattern with one range in braces names, as `train-{000..012}.tar`; nil when it has none.
  static func expand(_ pattern: String) -> [String]? {
    guard let open = pattern.firstIndex(of: "{"), let close = pattern[open...].firstIndex(of: "}"),
      let dots = pattern[open..<close].firstRange(of: "..")
    else { return nil }
    let (low, high) = (pattern[pattern.index(after: open)..<dots.lowerBound], pattern[dots.upperBound..<close])
    guard let first = Int(low), let last = Int(high), first >= 0, first <= last, last - first < 1 << 20 else { return nil }
    let width = low.hasPrefix("0") ? low.count : 0
    return (first...last).map { number in
      let digits = "\(number)"
      return pattern[..<open] + String(repeating: "0", count: max(0, width - digits.count)) + digits + pattern[pattern.index(after: close)...]
    }
  }
}
