import CVectorKernels
import QATCommunication
import QATTensor

/// A sum over ranks of which half the bytes travel: the owner of each segment receives every rank's part in bfloat16 (`SegmentScatter`), adds the parts in float32 in
/// rank order, rounds the sum once, and gives it to all. Two roundings in all, whatever the number of ranks; the same bytes on every rank.
final class CompressedSum: PreparedCollective {
  private enum Stage { case idle, scattering, gathering }

  private let values: UnsafeMutableBufferPointer<Float>
  /// What of `values` takes the sum; the rest stays as it is.
  private let pieces: [Range<Int>]
  private let own: Range<Int>
  private let halves: AlignedBuffer<UInt16>
  private let scatter: SegmentScatter<UInt16>
  private let operands: UnsafeMutableBufferPointer<UnsafePointer<UInt16>?>
  private let gather: (any PreparedCollective)?
  /// The sum whose gathering is started before this one's, on every rank alike.
  private let previous: CompressedSum?
  private var stage = Stage.idle

  /// Prepares the sum of one bucket. All ranks do so in the same order.
  /// - Parameters:
  ///   - sums: the flat buffer.
  ///   - segments: the bucket, dealt to the ranks.
  ///   - kept: elements of the buffer that this sum leaves alone, ascending.
  ///   - gathers: whether every rank gets the whole sum; otherwise each has its own segment.
  ///   - previous: the sum that is always started before this one.
  ///   - communicator: the ranks.
  /// - Throws: the communicator's error.
  init(
    _ sums: UnsafeMutableBufferPointer<Float>, segments: Segments, keeping kept: [Range<Int>], gathers: Bool, after previous: CompressedSum?,
    _ communicator: any Communicator
  ) throws {
    values = UnsafeMutableBufferPointer(rebasing: sums[segments.range])
    own = segments.parts[communicator.rank]
    let taken = gathers ? 0..<segments.range.count : own
    let start = segments.range.lowerBound
    pieces = taken.subtracting(kept.map { $0.lowerBound - start..<$0.upperBound - start })
    halves = AlignedBuffer(count: segments.range.count)
    scatter = try SegmentScatter(
      [halves.elements], blockCounts: [Int](repeating: 1, count: communicator.size), segments, communicator)
    operands = .allocate(capacity: communicator.size)
    _ = operands.initialize(from: scatter.operands.map { $0.baseAddress.map { UnsafePointer($0) } })
    gather =
      gathers
      ? try communicator.preparedGather(
        in: UnsafeMutableRawBufferPointer(halves.elements), parts: segments.bytes(ofElementSize: MemoryLayout<UInt16>.stride)) : nil
    self.previous = previous
  }

  deinit { operands.deallocate() }

  func start() throws {
    precondition(stage == .idle, "a compressed sum was started again before it was complete")
    stage = .scattering
    if let base = values.baseAddress { qat_round_to_bfloat16(values.count, base, halves.pointer) }
    try scatter.start()
  }

  func poll() throws -> Bool {
    if stage == .scattering, previous?.stage != .scattering, try scatter.poll() {
      qat_sum_bfloat16(own.count, operands.baseAddress, operands.count, halves.pointer + own.lowerBound)
      try gather?.start()
      stage = .gathering
    }
    if stage == .gathering, try gather?.poll() ?? true {
      if let base = values.baseAddress {
        for piece in pieces { qat_widen_bfloat16(piece.count, halves.pointer + piece.lowerBound, base + piece.lowerBound) }
      }
      stage = .idle
    }
    return stage == .idle
  }

  func wait() throws {
    while try !poll() { _ = try previous?.poll() }
  }
}

extension Range<Int> {
  /// What is left of this range without `others`, which ascend and do not overlap.
  func subtracting(_ others: [Range<Int>]) -> [Range<Int>] {
    var (rest, start) = ([Range<Int>](), lowerBound)
    for other in others where other.overlaps(self) {
      if other.lowerBound > start { rest.append(start..<other.lowerBound) }
      start = Swift.max(start, other.upperBound)
    }
    if start < upperBound { rest.append(start..<upperBound) }
    return rest
  }
}
