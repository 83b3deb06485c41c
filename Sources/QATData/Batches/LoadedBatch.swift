import QATEngine

/// One rank's micro-batch, lent by a loader until its next batch is asked for.
public struct LoadedBatch {
  private let slot: BatchSlot
  /// What the network's output should be.
  public let targets: BatchTargets
  /// Number of samples of this rank.
  public let count: Int
  /// The epoch, counted from 0.
  public let epoch: Int
  /// Position in the epoch of the first sample of the batch over all ranks: how many samples all ranks together have consumed before it.
  public let position: Int
  /// Position in the epoch of this batch's own first sample.
  public let firstSample: Int
  /// Where training goes on after the global batch: what a checkpoint stores once the batch is consumed.
  public let next: DataPosition
  /// When its samples were read.
  public let reading: Reading

  /// When a batch was read and prepared by the loader's threads, and where to.
  public struct Reading: Sendable, Hashable {
    /// Which of the loader's memories holds the batch, counted from 0.
    public var memory: Int
    /// When the first sample was asked for, in nanoseconds of the system's clock that never goes back.
    public var start: UInt64
    /// When the last one was ready, likewise.
    public var end: UInt64
  }

  init(_ slot: BatchSlot) {
    self.slot = slot
    targets = slot.targets
    count = slot.count
    epoch = slot.epoch
    position = slot.position
    firstSample = slot.firstSample
    next = slot.next
    reading = slot.reading
  }

  /// What a sample feeds to a network.
  public var inputs: [SampleInput] { slot.inputDescriptions }

  /// What a sample says of the network's output.
  public var target: SampleTarget { slot.target }

  /// Number of inputs of a sample.
  public var inputCount: Int { slot.inputCount }

  /// The preprocessed values of input number `index` of the data set, one sample after the other.
  public func input(_ index: Int) -> UnsafeBufferPointer<Float> { slot.input(index) }

  /// Number, in the data set, of the sample at a place. Where a corrupt sample was replaced, it is that one's.
  public func sample(at place: Int) -> Int { slot.samples[place] }

  /// The first input: of images the pixels, shape [count, channels, height, width].
  public var pixels: UnsafeBufferPointer<Float> { input(0) }

  /// The classes of the samples; empty where targets are no classes.
  public var labels: UnsafeBufferPointer<Int32> {
    if case .classes(let classes) = targets.values { classes } else { UnsafeBufferPointer(start: nil, count: 0) }
  }

  /// Whether no whole batch is left in the epoch.
  public var isLastOfEpoch: Bool { next.epoch != epoch }
}

/// A place in the stream of training samples, the same for every number of ranks.
public struct DataPosition: Sendable, Codable, Hashable {
  /// The epoch, counted from 0.
  public var epoch: Int
  /// Samples of the epoch consumed by all ranks together.
  public var position: Int

  /// A place.
  public init(epoch: Int, position: Int) {
    self.epoch = epoch
    self.position = position
  }
}
