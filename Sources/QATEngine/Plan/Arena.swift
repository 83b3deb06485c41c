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
      var times: Times
      var bytes: Range<Int>
    }
    var times = [Times](repeating: Times(), count: table.buffers.count)
    for span in schedule.spans { times[span.buffer].add(span.range) }
    var placed: [Placed] = []
    var offsets: [(PlanBuffer, Int)] = []
    var end = 0
    let order = table.buffers.indices.sorted { (table.buffers[$1].byteCount, $0) < (table.buffers[$0].byteCount, $1) }
    for buffer in order {
      let size = table.buffers[buffer].arenaByteCount
      var offset = 0
      for other in placed where other.times.meet(times[buffer]) {
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

  /// Gives the buffers their memory, of at least `byteCount` bytes.
  func place(in storage: AlignedBuffer<UInt8>) {
    for (buffer, offset) in offsets { buffer.place(at: UnsafeMutableRawPointer(storage.pointer) + offset) }
  }
}

/// When a buffer holds something.
private struct Times {
  private var all = 0..<0
  private var parts: [ClosedRange<Int>] = []

  mutating func add(_ range: ClosedRange<Int>) {
    all = parts.isEmpty ? Range(range) : min(all.lowerBound, range.lowerBound)..<max(all.upperBound, range.upperBound + 1)
    parts.append(range)
  }

  func meet(_ other: Times) -> Bool {
    guard all.overlaps(other.all) else { return false }
    return parts.count == 1 && other.parts.count == 1 || parts.contains { range in other.parts.contains { $0.overlaps(range) } }
  }
}
