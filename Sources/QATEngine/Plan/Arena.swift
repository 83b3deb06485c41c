import QATTensor

/// One block of memory for all buffers of a plan, in which buffers that are never needed at the same time share their place.
struct Arena {
  /// Size in bytes.
  let byteCount: Int
  private let storage: AlignedBuffer<UInt8>

  /// Gives every used buffer its place.
  ///
  /// Greedy by size: the largest buffer first, each at the lowest offset where it overlaps no placed buffer whose lifetime meets its own.
  init(_ buffers: [PlanBuffer]) {
    struct Placed {
      var lifetime: ClosedRange<Int>
      var bytes: Range<Int>
    }
    var placed: [Placed] = []
    var offsets: [(PlanBuffer, Int)] = []
    var end = 0
    let order = buffers.enumerated().sorted { ($1.element.byteCount, $0.offset) < ($0.element.byteCount, $1.offset) }.map(\.element)
    for buffer in order {
      guard let lifetime = buffer.lifetime else { continue }
      let size = (buffer.byteCount + 63) & ~63
      var offset = 0
      for other in placed where other.lifetime.overlaps(lifetime) {
        if offset + size <= other.bytes.lowerBound { break }
        offset = max(offset, other.bytes.upperBound)
      }
      let index = placed.firstIndex { $0.bytes.lowerBound > offset } ?? placed.count
      placed.insert(Placed(lifetime: lifetime, bytes: offset..<offset + size), at: index)
      offsets.append((buffer, offset))
      end = max(end, offset + size)
    }
    byteCount = end
    storage = AlignedBuffer(count: end)
    for (buffer, offset) in offsets { buffer.place(at: UnsafeMutableRawPointer(storage.pointer) + offset) }
  }
}
