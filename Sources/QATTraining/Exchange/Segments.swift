/// How a range of a flat buffer is dealt to the ranks: a contiguous segment each, with boundaries on cache lines, sizes differing by at most one line.
struct Segments: Sendable, Hashable {
  /// The range that is dealt.
  let range: Range<Int>
  /// Each rank's segment, relative to the range's beginning. May be empty.
  let parts: [Range<Int>]

  /// Deals `range`, which begins on a cache line, to `rankCount` ranks.
  init(_ range: Range<Int>, rankCount: Int) {
    self.range = range
    let line = 16
    func boundary(_ rank: Int) -> Int { rank == rankCount ? range.count : range.count * rank / rankCount / line * line }
    parts = (0..<rankCount).map { boundary($0)..<boundary($0 + 1) }
  }

  /// The segments in bytes, of elements of `size` bytes.
  func bytes(ofElementSize size: Int) -> [Range<Int>] { parts.map { $0.lowerBound * size..<$0.upperBound * size } }
}
