import QATEngine

/// The elements of the flat parameters that one optimizer moves: all of them, or one rank's share.
public struct ParameterShare: Sendable, Hashable {
  /// A piece: its place among the parameters, and where the optimizer's memories of it begin.
  public struct Piece: Sendable, Hashable {
    /// Elements of the flat parameters.
    public var range: Range<Int>
    /// First element in each of the optimizer's memories.
    public var offset: Int
  }

  /// The pieces, ascending, without gaps in the memories.
  public let pieces: [Piece]
  /// Number of elements in all.
  public let count: Int

  /// The elements of `ranges`, which ascend and do not overlap.
  public init(_ ranges: [Range<Int>]) {
    var (pieces, count) = ([Piece](), 0)
    for range in ranges where !range.isEmpty {
      pieces.append(Piece(range: range, offset: count))
      count += range.count
    }
    self.pieces = pieces
    self.count = count
  }

  /// Checks that a network has the parameters of this share.
  func requirePlace(in state: ModelState) {
    let end = pieces.last?.range.upperBound ?? 0
    precondition(end <= state.parameters.count, "an optimizer of parameters up to number \(end) cannot step \(state.parameters.count)")
  }

  /// The pieces of this share without some ranges of parameters, which do not overlap.
  func pieces(without ranges: [Range<Int>]) -> [Piece] {
    pieces.flatMap { piece in
      var (kept, start) = ([Piece](), piece.range.lowerBound)
      for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.overlaps(piece.range) {
        if range.lowerBound > start { kept.append(Piece(range: start..<range.lowerBound, offset: piece.offset + start - piece.range.lowerBound)) }
        start = range.upperBound
      }
      if start < piece.range.upperBound {
        kept.append(Piece(range: start..<piece.range.upperBound, offset: piece.offset + start - piece.range.lowerBound))
      }
      return kept
    }
  }

  /// Calls `body` with what this share holds of a range of parameters, piece by piece.
  func forEachPart(of range: Range<Int>, _ body: (_ part: Range<Int>, _ offset: Int) -> Void) {
    for piece in pieces where piece.range.overlaps(range) {
      let part = piece.range.clamped(to: range)
      body(part, piece.offset + part.lowerBound - piece.range.lowerBound)
    }
  }
}

/// Parameters dealt to the ranks, so that each keeps the optimizer's memory of its own share only: stage 1 of ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054).
///
/// Every bucket of the gradient exchange is dealt, so that the sums of a bucket arrive where they are needed.
public struct ParameterShards: Sendable, Hashable {
  /// The pieces in which gradients travel; the last one holds no gradients.
  let buckets: GradientBuckets
  /// The buckets of gradients, dealt to the ranks.
  let segments: [Segments]

  /// Deals parameters.
  /// - Parameters:
  ///   - parameterCount: number of parameters.
  ///   - trailingCount: number of elements that are exchanged besides their gradients.
  ///   - rankCount: number of ranks.
  public init(parameterCount: Int, trailingCount: Int, rankCount: Int) {
    buckets = GradientBuckets(parameterCount: parameterCount, trailingCount: trailingCount, isTrailingApart: true)
    segments = buckets.ranges.dropLast().map { Segments($0, rankCount: rankCount) }
  }

  /// What one rank moves.
  public func share(ofRank rank: Int) -> ParameterShare {
    ParameterShare(
      segments.map { segment in
        let part = segment.parts[rank]
        return segment.range.lowerBound + part.lowerBound..<segment.range.lowerBound + part.upperBound
      })
  }
}
