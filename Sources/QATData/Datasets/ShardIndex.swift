import Foundation

/// One file of every sample in tar files.
struct ShardColumn: Hashable {
  /// What follows the first dot of its name.
  var ending: String
  /// Whether it is an image; otherwise an array.
  var isImage: Bool
  /// Whether it is the target.
  var isTarget = false
  /// An array's shape.
  var shape: [Int] = []
  /// Whether an array's elements are whole numbers.
  var isWhole = false

  /// Name of the input.
  var name: String { isImage ? "image" : ending.hasSuffix(".npy") ? String(ending.dropLast(4)) : ending }
}

/// Finds the samples in tar files, file by file.
struct ShardIndex {
  /// Where a sample lies.
  struct Place {
    var shard: Int32
    var key: String
  }

  /// What every sample holds, as the first one does; nil before there is one.
  private(set) var columns: [ShardColumn]?
  private(set) var samples: [Place] = []
  /// Where the files of the samples lie, as many for each as there are columns.
  private(set) var parts: [Range<Int>] = []
  /// The class of each sample; empty where there are none.
  private(set) var labels: [Int32] = []
  private(set) var hash = ContentHash()
  private let readsTargets: Bool
  private var key: String?
  private var shard = 0
  private var found: [(column: ShardColumn, part: Range<Int>)] = []
  private var label: Int32?

  init(readsTargets: Bool) { self.readsTargets = readsTargets }

  /// Takes the next file.
  /// - Throws: `DataError` when a class is no number, an array none, or a sample that ends here differs from the first.
  mutating func add(_ entry: Archive.Entry, in path: String, number: Int, _ unpack: () throws(DataError) -> Data) throws {
    let file = entry.path.split(separator: "/").last ?? ""
    guard let dot = file.firstIndex(of: "."), dot != file.startIndex else { return }
    let ending = file[file.index(after: dot)...].lowercased()
    let key = String(entry.path.dropLast(ending.count + 1))
    if key != self.key || number != shard {
      try endSample(in: path)
      (self.key, shard) = (key, number)
    }
    let part = entry.offset..<entry.offset + entry.size
    hash.feed(entry.path)
    hash.feed(entry.size)
    if ["jpg", "jpeg", "png"].contains(ending) {
      found.append((ShardColumn(ending: ending, isImage: true), part))
    } else if ending == "cls", readsTargets {
      guard entry.size <= 32, let value = Int32(String(decoding: try unpack(), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)),
        value >= 0
      else {
        throw DataError(.corrupt, path, "'\(entry.path)' holds no class: expected a whole number of at least 0")
      }
      label = value
      hash.feed(Int(value))
    } else if ending == "npy" || ending.hasSuffix(".npy") {
      var column = ShardColumn(ending: ending, isImage: false)
      column.isTarget = ArrayDataset.targetNames.contains(column.name)
      guard !column.isTarget || readsTargets else { return }
      // The shape is that of the first sample; whether others have it is seen when they are read.
      if let known = columns?.first(where: { $0.ending == ending }) {
        column = known
      } else {
        let array = try NumPyArray(unpack(), name: "\(path): \(entry.path)")
        (column.shape, column.isWhole) = (array.shape, !array.elementType.isFloatingPoint)
      }
      found.append((column, part))
    }
  }

  /// Ends the sample whose files have come.
  /// - Throws: `DataError` when it holds something else than the first one.
  mutating func endSample(in path: String) throws {
    guard let key = self.key else { return }
    defer { (self.key, label, found) = (nil, nil, []) }
    guard !found.isEmpty else { return }
    found.sort { ($0.column.isImage ? 0 : 1, $0.column.ending) < ($1.column.isImage ? 0 : 1, $1.column.ending) }
    let columns = found.map(\.column)
    let expected = self.columns ?? columns
    guard columns == expected, self.columns == nil || (label != nil) == !labels.isEmpty else {
      func words(_ columns: [ShardColumn], _ hasLabel: Bool) -> String { (columns.map(\.ending) + (hasLabel ? ["cls"] : [])).joined(separator: ", ") }
      throw DataError(
        .corrupt, path,
        "the sample '\(key)' has the files \(words(columns, label != nil)), the first one has \(words(expected, !labels.isEmpty)): all must have the same"
      )
    }
    self.columns = columns
    samples.append(Place(shard: Int32(clamping: shard), key: key))
    parts += found.map(\.part)
    if let label { labels.append(label) }
  }
}
