/// Samples read by number: what feeds the inputs of a network, and what its output should be. The same on every rank and unchanged during a run; any thread may read.
///
/// This is the one protocol to conform to for data of one's own. Images of one size with one class each are simpler said as an `ImageDataset`.
public protocol Dataset: Sendable {
  /// Where the data comes from, for messages.
  var name: String { get }
  /// Number of samples.
  var count: Int { get }
  /// What a sample feeds to a network, in the order of `Sample`'s inputs.
  var inputs: [SampleInput] { get }
  /// What a sample says of the network's output.
  var target: SampleTarget { get }
  /// Reads sample `index` into `sample`: all of its inputs, and its target.
  /// - Throws: `DataError` naming the file when the sample cannot be read; with the code `corrupt` where that is the file's own fault, so that it may be skipped.
  func read(_ index: Int, into sample: Sample) throws
  /// The class of sample `index` where its target is one class, without reading the sample; nil otherwise.
  func classLabel(at index: Int) -> Int32?
  /// A fingerprint: equal on ranks that see the same data.
  var contentHash: UInt64 { get }
}

extension Dataset {
  /// None.
  public func classLabel(at index: Int) -> Int32? { nil }
}

/// Height and width of an image, in pixels.
public struct ImageSize: Sendable, Hashable, Codable {
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int

  /// A size.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}

/// What a sample feeds to one input of a network.
public struct SampleInput: Sendable, Hashable {
  /// What it is.
  public enum Content: Sendable, Hashable {
    /// An image [channels, height, width]; without a size where images differ in it. Preprocessing is for these.
    case image(channels: Int, size: ImageSize?)
    /// Numbers of this shape, which reach the network as they are.
    case tensor([Int])
  }

  /// Name of the network's input that it feeds; nil for the only one, whatever it is called.
  public var name: String?
  /// What it is.
  public var content: Content

  /// An input of this content.
  public init(_ name: String? = nil, _ content: Content) {
    self.name = name
    self.content = content
  }

  /// An input of this shape: an image where it is [channels, height, width].
  public init(_ name: String? = nil, shape: [Int]) {
    self.init(
      name, shape.count == 3 ? .image(channels: shape[0], size: ImageSize(height: shape[1], width: shape[2])) : .tensor(shape))
  }
}

/// What a sample says of the network's output.
public enum SampleTarget: Sendable, Hashable {
  /// Nothing.
  case none
  /// Indices of classes of this shape, below `count`: one for the sample when the shape is empty, else one a pixel or token.
  case classes(shape: [Int], count: Int)
  /// Numbers of this shape.
  case numbers(shape: [Int])

  /// Number of classes; 0 where targets are no classes.
  public var classCount: Int {
    if case .classes(_, let count) = self { count } else { 0 }
  }

  /// Elements of one sample's target.
  public var elementCount: Int {
    switch self {
    case .none: 0
    case .classes(let shape, _), .numbers(let shape): shape.reduce(1, *)
    }
  }
}

/// Which part of a data set.
public enum Split: String, Sendable, Codable, CaseIterable {
  /// The samples to learn from.
  case train
  /// The samples to judge by.
  case test
}

extension Dataset {
  /// Number of classes; 0 where targets are no classes.
  public var classCount: Int { target.classCount }

  /// Checks that a network with `classes` outputs can learn every label, where a sample has one. Maps of classes are checked while they are read.
  /// - Parameters:
  ///   - classes: classes that the network tells apart.
  ///   - ignored: the label of samples that do not count; nil for none.
  /// - Throws: `DataError` naming the first sample whose label is out of range.
  public func requireLabels(below classes: Int, ignoring ignored: Int? = nil) throws {
    guard classCount > classes else { return }
    for index in 0..<count {
      guard let label = classLabel(at: index) else { return }
      if label < Int32(clamping: classes) || Int(label) == ignored { continue }
      throw DataError(
        .unfit, name, "sample \(index) has the label \(label), but the network tells \(classes) classes apart, 0 to \(classes - 1)")
    }
  }
}
