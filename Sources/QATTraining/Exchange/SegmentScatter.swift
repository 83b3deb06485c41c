import QATCommunication
import QATTensor

/// The first half of a segmented sum: the owner of each segment receives what every rank holds for it.
///
/// Elements are of any fixed size: floats, or the halves of them that a compressed exchange sends.
final class SegmentScatter<Element: BitwiseCopyable>: PreparedCollective {
  /// What there is of this rank's segment, from all ranks: block after block in rank order. This rank's own stand in its own memory, the others in memory
  /// made here; all may be overwritten until the next `start`.
  let operands: [UnsafeMutableBufferPointer<Element>]
  private let exchanges: [any PreparedCollective]
  private let received: AlignedBuffer<Element>

  /// Prepares the exchange. All ranks do so in the same order.
  /// - Parameters:
  ///   - own: this rank's blocks of the whole range.
  ///   - blockCounts: number of blocks of each rank.
  ///   - segments: who owns what.
  ///   - communicator: the ranks.
  /// - Throws: the communicator's error.
  init(
    _ own: [UnsafeMutableBufferPointer<Element>], blockCounts: [Int], _ segments: Segments, _ communicator: any Communicator
  ) throws {
    let rank = communicator.rank
    precondition(own.count == blockCounts[rank], "rank \(rank) has \(own.count) blocks, not \(blockCounts[rank])")
    let part = segments.parts[rank]
    // Cache lines, so that the blocks of two ranks never share one.
    let stride = (part.count + 63) & ~63
    let size = MemoryLayout<Element>.stride
    received = AlignedBuffer(count: (blockCounts.reduce(0, +) - own.count) * stride)
    let nothing = [Range<Int>](repeating: 0..<0, count: communicator.size)
    let sent = segments.bytes(ofElementSize: size)
    var operands: [UnsafeMutableBufferPointer<Element>] = []
    var places = [[Range<Int>]](repeating: nothing, count: blockCounts.max() ?? 0)
    var free = 0
    for (source, count) in blockCounts.enumerated() {
      for block in 0..<count {
        if source == rank {
          operands.append(UnsafeMutableBufferPointer(rebasing: own[block][part]))
        } else {
          operands.append(UnsafeMutableBufferPointer(rebasing: received.elements[free..<free + part.count]))
          places[block][source] = free * size..<(free + part.count) * size
          free += stride
        }
      }
    }
    self.operands = operands
    let destination = UnsafeMutableRawBufferPointer(received.elements)
    exchanges = try places.enumerated().map { block, places in
      let source = block < own.count ? UnsafeRawBufferPointer(own[block]) : UnsafeRawBufferPointer(start: nil, count: 0)
      return try communicator.preparedExchange(of: source, parts: block < own.count ? sent : nothing, into: destination, places: places)
    }
  }

  func start() throws {
    for exchange in exchanges { try exchange.start() }
  }

  func poll() throws -> Bool {
    for exchange in exchanges { guard try exchange.poll() else { return false } }
    return true
  }

  func wait() throws {
    for exchange in exchanges { try exchange.wait() }
  }
}
