import CVectorKernels
import QATCommunication

/// A sum over ranks whose order of additions is ours: the owner of each segment receives all parts of it (`SegmentScatter`), adds them along `SumTree`, and
/// gives the result to all (`Communicator.preparedGather`).
///
/// The bits depend on the tree's leaves alone: not on the number of ranks that hold them, the sizes of buckets and segments, the transport, or the order of arrival. As many
/// bytes travel as in a reduce-scatter with an allgather, when each rank holds one block.
///
/// With a sharded optimizer the sum stays with its owner, who updates the segment's parameters; those are gathered instead of gradients.
final class SegmentedSum: PreparedCollective {
  private enum Stage { case idle, scattering, gathering }

  private let scatter: SegmentScatter<Float>
  private let additions: [SumTree.Addition]
  private let gather: (any PreparedCollective)?
  /// The sum whose gathering is started before this one's, on every rank alike.
  private let previous: SegmentedSum?
  private var stage = Stage.idle

  /// Prepares the sum of one bucket. All ranks do so in the same order.
  /// - Parameters:
  ///   - sums: this rank's memory, one buffer a block; the last one receives the result.
  ///   - blocks: leaves of every rank's blocks.
  ///   - tree: the order of additions.
  ///   - segments: the bucket, dealt to the ranks.
  ///   - gathers: whether every rank gets the whole sum; otherwise each has its own segment.
  ///   - previous: the sum that is always started before this one.
  ///   - communicator: the ranks.
  /// - Throws: the communicator's error.
  init(
    _ sums: [UnsafeMutableBufferPointer<Float>], blocks: [[Range<Int>]], tree: SumTree, segments: Segments, gathers: Bool,
    after previous: SegmentedSum?, _ communicator: any Communicator
  ) throws {
    let rank = communicator.rank
    let own = sums.map { UnsafeMutableBufferPointer(rebasing: $0[segments.range]) }
    guard let result = own.last else { preconditionFailure("a rank without a block") }
    scatter = try SegmentScatter(own, blockCounts: blocks.map(\.count), segments, communicator)
    additions = tree.additions(of: blocks.flatMap { $0 }, home: blocks[...rank].reduce(0) { $0 + $1.count } - 1)
    gather =
      gathers
      ? try communicator.preparedGather(
        in: UnsafeMutableRawBufferPointer(result), parts: segments.bytes(ofElementSize: MemoryLayout<Float>.stride)) : nil
    self.previous = previous
  }

  func start() throws {
    precondition(stage == .idle, "a segmented sum was started again before it was complete")
    stage = .scattering
    try scatter.start()
  }

  func poll() throws -> Bool {
    if stage == .scattering, previous?.stage != .scattering, try scatter.poll() {
      add()
      try gather?.start()
      stage = .gathering
    }
    if stage == .gathering, try gather?.poll() ?? true { stage = .idle }
    return stage == .idle
  }

  func wait() throws {
    while try !poll() { _ = try previous?.poll() }
  }

  /// Adds what all ranks hold of this rank's segment, in its place in the last buffer.
  private func add() {
    for addition in additions {
      let (from, into) = (scatter.operands[addition.from], scatter.operands[addition.into])
      if let from = from.baseAddress, let sum = into.baseAddress { qat_accumulate(into.count, from, sum) }
    }
  }
}
