import QATTensor

/// Where each buffer of a plan lies in one block of memory, in which buffers that are never needed at the same time share their place.
struct ArenaLayout {
  /// Size in bytes.
  let byteCount: Int
  private let offsets: [(buffer: PlanBuffer, offset: Int)]

  /// Gives every buffer its place.
  ///
  /// Greedy by size: the largest buffer first, each at the lowest offset where it overlaps no placed buffer with which it shares a time.
  init(_ table: StepTable, _ schedule: Schedule) {
    struct Placed {
      var times: [ClosedRange<Int>]
      var bytes: Range<Int>
    }
    var times = [[ClosedRange<Int>]](repeating: [], count: table.buffers.count)
    for span in schedule.spans { times[span.buffer].append(span.range) }
    var placed: [Placed] = []
    var offsets: [(PlanBuffer, Int)] = []
    var end = 0
    let order = table.buffers.indices.sorted { (table.buffers[$1].byteCount, $0) < (table.buffers[$0].byteCount, $1) }
    for buffer in order {
      let size = table.buffers[buffer].arenaByteCount
      var offset = 0
      for other in placed where Self.meet(other.times, times[buffer]) {
        if offset + size <= other.bytes.lowerBound { break }
        offset = max(offset, other.bytes.upperBound)
      }
      let index = placed.firstIndex { $0.bytes.lowerBound > offset } ?? placed.count
      placed.insert(Placed(times: times[buffer], bytes: offset..<offset + size), at: index)
      offsets.append((table.buffers[buffer], offset))
      end = max(end, offset + size)
    }
    byteCount = end
    self.offsets = offsets
  }

  private static func meet(_ a: [ClosedRange<Int>], _ b: [ClosedRange<Int>]) -> Bool {
    a.contains { range in b.contains { $0.overlaps(range) } }
  }

  /// Gives the buffers their memory, of at least `byteCount` bytes.
  func place(in storage: AlignedBuffer<UInt8>) {
    for (buffer, offset) in offsets { buffer.place(at: UnsafeMutableRawPointer(storage.pointer) + offset) }
  }
}
