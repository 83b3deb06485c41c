import Foundation

/// Samples that are the rows of NumPy arrays of one length: inputs by their names, and targets.
///
/// An array called `target`, `targets`, `label`, `labels` or `y` is the target; all others are inputs. Unsigned bytes of three or four dimensions are images
/// and become numbers in [0, 1]: [samples, height, width], [samples, channels, height, width], or [samples, height, width, channels] with 1, 3 or 4 channels.
/// Other arrays reach the network as they are; those of four dimensions count as images too, [samples, channels, height, width].
public struct ArrayDataset: Dataset {
  /// The file or folder.
  public let name: String
  /// Every array but the target.
  public let inputs: [SampleInput]
  /// The target's rows.
  public let target: SampleTarget
  /// Number of rows.
  public let count: Int
  /// A fingerprint of shapes and elements.
  public let contentHash: UInt64
  private let arrays: [NumPyArray]
  private let forms: [Form]
  private let targets: NumPyArray?

  /// How an array's rows become an input.
  private enum Form: Sendable {
    /// As they are.
    case numbers
    /// Bytes of channels that stand one after the other.
    case bytes
    /// Bytes of channels that stand side by side.
    case interleavedBytes(channels: Int)
  }

  /// Names that make an array the target.
  static let targetNames = ["target", "targets", "label", "labels", "y"]

  /// Makes a data set of arrays.
  /// - Parameters:
  ///   - arrays: by name.
  ///   - name: where they come from.
  ///   - reading: what of the target is read.
  /// - Throws: `DataError` when lengths differ, there is no input, or the target is none that can be.
  init(_ arrays: [(name: String, array: NumPyArray)], name: String, reading: TargetReading) throws(DataError) {
    let inputs = arrays.filter { !Self.targetNames.contains($0.name) }
    let found = arrays.filter { Self.targetNames.contains($0.name) }
    let listed = arrays.map { "\($0.name) \($0.array.shape)" }.joined(separator: ", ")
    guard !inputs.isEmpty else { throw DataError(.unfit, name, "it holds \(listed.isEmpty ? "no array" : listed), and none that is an input") }
    guard found.count <= 1 else { throw DataError(.unfit, name, "it holds more than one target: \(found.map(\.name).joined(separator: ", "))") }
    guard let count = inputs[0].array.shape.first, count > 0, arrays.allSatisfy({ $0.array.shape.first == count }) else {
      throw DataError(.unfit, name, "it holds \(listed): all arrays must have the same number of rows, above 0")
    }
    self.name = name
    self.count = count
    self.arrays = inputs.map(\.array)
    // An array alone, whatever it is called, feeds the network's only input.
    let isOne = inputs.count == 1
    let described = inputs.map { Self.describe($0.array) }
    forms = described.map(\.form)
    self.inputs = zip(inputs, described).map { SampleInput(isOne ? nil : $0.name, $1.content) }
    let targets = reading == .none ? nil : found.first?.array
    self.targets = targets
    target = targets.map { Self.target(of: $0, reading) } ?? .none
    var hash = ContentHash()
    for (name, array) in arrays.sorted(by: { $0.name < $1.name }) where reading != .none || !Self.targetNames.contains(name) {
      hash.feed(name)
      array.feed(&hash)
    }
    contentHash = hash.value
  }

  private static func describe(_ array: NumPyArray) -> (form: Form, content: SampleInput.Content) {
    let row = Array(array.shape.dropFirst())
    guard array.elementType == .uint8, row.count == 2 || row.count == 3 else { return (.numbers, SampleInput(nil, shape: row).content) }
    if row.count == 2 { return (.bytes, .image(channels: 1, size: ImageSize(height: row[0], width: row[1]))) }
    let channelCounts = [1, 3, 4]
    if channelCounts.contains(row[2]), !channelCounts.contains(row[0]) {
      return (.interleavedBytes(channels: row[2]), .image(channels: row[2], size: ImageSize(height: row[0], width: row[1])))
    }
    return (.bytes, .image(channels: row[0], size: ImageSize(height: row[1], width: row[2])))
  }

  private static func target(of array: NumPyArray, _ reading: TargetReading) -> SampleTarget {
    let row = Array(array.shape.dropFirst())
    guard reading == .asStored, !array.elementType.isFloatingPoint else { return .numbers(shape: row) }
    // One class a sample may stand in a column of its own.
    let shape = row.allSatisfy { $0 == 1 } ? [] : row
    var classes = [Int32](repeating: 0, count: array.rowCount)
    var highest: Int32 = -1
    for index in 0..<array.shape[0] {
      classes.withUnsafeMutableBufferPointer { array.read(row: index, into: $0) }
      for found in classes { highest = max(highest, found) }
    }
    return .classes(shape: shape, count: Int(highest) + 1)
  }

  /// The class of sample `index` where it has one.
  public func classLabel(at index: Int) -> Int32? {
    guard case .classes(let shape, _) = target, shape.isEmpty, let targets else { return nil }
    var label: [Int32] = [0]
    label.withUnsafeMutableBufferPointer { targets.read(row: index, into: $0) }
    return label[0]
  }

  /// Copies row `index` of every array.
  public func read(_ index: Int, into sample: Sample) {
    for (number, array) in arrays.enumerated() {
      let values = sample.input(number)
      switch forms[number] {
      case .numbers: array.read(row: index, into: values)
      case .bytes:
        array.read(row: index, into: values)
        for place in values.indices { values[place] /= 255 }
      case .interleavedBytes(let channels):
        let bytes = sample.scratch(values.count)
        array.read(row: index, into: bytes)
        let count = values.count / channels
        for channel in 0..<channels {
          for place in 0..<count { values[channel * count + place] = bytes[place * channels + channel] / 255 }
        }
      }
    }
    guard let targets else { return }
    if sample.classes.isEmpty { targets.read(row: index, into: sample.numbers) } else { targets.read(row: index, into: sample.classes) }
  }
}

extension ArrayDataset {
  /// The arrays of a `.npz` file, which are unpacked into memory.
  ///
  /// Keras's own files hold both splits, as `x_train`, `y_train`, `x_test`, `y_test`: of arrays whose names end so, those of the split are taken.
  /// - Throws: `DataError` naming the file and the array.
  init(npz path: String, split: Split, reading: TargetReading) throws {
    var arrays: [(name: String, array: NumPyArray)] = []
    try Archive.forEachFile(in: path, isTar: false) { entry, unpack in
      guard entry.path.hasSuffix(".npy") else { return }
      arrays.append((String(entry.path.dropLast(4)), try NumPyArray(unpack(), name: "\(path): \(entry.path)")))
    }
    try self.init(Self.arrays(arrays, of: split), name: path, reading: reading)
  }

  /// The arrays of a folder, `NAME.npy` each, which are mapped from their files.
  /// - Throws: `DataError` naming the file.
  init(folder path: String, reading: TargetReading) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let files = names.filter { $0.hasSuffix(".npy") }.sorted()
    let arrays = try files.map { (name: String($0.dropLast(4)), array: try NumPyArray(file: "\(path)/\($0)")) }
    try self.init(arrays, name: path, reading: reading)
  }

  /// The array of one `.npy` file, with its targets beside it, under the name that says `labels`, `targets` or `y` where this one says `images`, `inputs` or `x`.
  /// - Throws: `DataError` naming the file.
  init(npy path: String, reading: TargetReading) throws {
    var arrays = [(name: "input", array: try NumPyArray(file: path))]
    if reading != .none, let target = Self.targets(beside: path) { arrays.append(("target", try NumPyArray(file: target))) }
    try self.init(arrays, name: path, reading: reading)
  }

  private static func targets(beside path: String) -> String? {
    let url = URL(fileURLWithPath: path)
    let (folder, file) = (url.deletingLastPathComponent(), url.deletingPathExtension().lastPathComponent)
    var candidates: [String] = []
    for (input, targets) in [("images", ["labels", "targets"]), ("inputs", ["targets", "labels"])] where file.contains(input) {
      candidates += targets.map { file.replacingOccurrences(of: input, with: $0) }
    }
    if file == "x" || file.hasPrefix("x_") { candidates.append("y" + file.dropFirst()) }
    return candidates.map { folder.appendingPathComponent($0 + ".npy").path }.first(where: FileManager.default.fileExists(atPath:))
  }

  /// Of arrays that are named for splits those of one split, by their names without it; else all.
  private static func arrays(_ arrays: [(name: String, array: NumPyArray)], of split: Split) -> [(name: String, array: NumPyArray)] {
    guard arrays.contains(where: { $0.name.hasSuffix("_train") }), arrays.contains(where: { $0.name.hasSuffix("_test") }) else { return arrays }
    let ending = "_\(split.rawValue)"
    return arrays.filter { $0.name.hasSuffix(ending) }.map { (String($0.name.dropLast(ending.count)), $0.array) }
  }
}
