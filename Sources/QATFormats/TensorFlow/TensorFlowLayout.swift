/// How the order of a tensor's elements in a TensorFlow file relates to that of the same tensor in a graph of ours.
///
/// Files have images as [batch, height, width, channels], graphs as [batch, channels, height, width]. Reading and writing keep this for every tensor instead of
/// moving elements, and let each operator say what it means for its result. Only where an operator needs the order of the elements themselves is
/// a transposition added.
enum TensorFlowLayout: Hashable {
  /// The same order on both sides.
  case plain
  /// Channels are the last axis in the file and axis 1 in the graph.
  case channelsLast
  /// A matrix [batch, features] whose rows are flattened images, each side in its own order.
  case flattened(channels: Int, height: Int, width: Int)

  /// The graph's axis of an axis of the file, for a tensor of `rank` dimensions.
  func graphAxis(_ axis: Int, rank: Int) -> Int {
    guard self == .channelsLast, axis > 0 else { return axis }
    return axis == rank - 1 ? 1 : axis + 1
  }

  /// The file's axis of an axis of the graph, for a tensor of `rank` dimensions.
  func fileAxis(_ axis: Int, rank: Int) -> Int {
    guard self == .channelsLast, axis > 0 else { return axis }
    return axis == 1 ? rank - 1 : axis - 1
  }

  /// Puts one entry an axis from the file's order into the graph's.
  func graphOrder<Element>(_ entries: [Element]) -> [Element] {
    entries.indices.map { entries[fileAxis($0, rank: entries.count)] }
  }

  /// Puts one entry an axis from the graph's order into the file's.
  func fileOrder<Element>(_ entries: [Element]) -> [Element] {
    entries.indices.map { entries[graphAxis($0, rank: entries.count)] }
  }

  /// The permutation that makes the graph's order of the file's: axis i of the result is axis `permutation[i]`.
  static func toGraph(rank: Int) -> [Int] { channelsLast.graphOrder(Array(0..<rank)) }

  /// The permutation that makes the file's order of the graph's.
  static func toFile(rank: Int) -> [Int] { channelsLast.fileOrder(Array(0..<rank)) }

  /// For each feature in the file's order its place in the graph's, nil unless the tensor is flattened.
  var featurePlaces: [Int]? {
    guard case .flattened(let channels, let height, let width) = self else { return nil }
    return (0..<height * width * channels).map { feature in feature % channels * height * width + feature / channels }
  }
}
