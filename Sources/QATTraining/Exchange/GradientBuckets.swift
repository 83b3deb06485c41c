/// How the flat buffer that ranks exchange is cut into pieces that travel one after the other.
///
/// The first bucket is small so that communication begins early; the last is small because nothing is left to compute while it travels. The buckets
/// between are large, for bandwidth. Source: the bucket sizes of PyTorch's DistributedDataParallel (Li et al. 2020, arXiv:2006.15704).
public struct GradientBuckets: Sendable, Hashable {
  /// The pieces, in order, each element in exactly one. All but the last hold gradients only; the last also statistics and trailer.
  public let ranges: [Range<Int>]

  /// Cuts a buffer.
  /// - Parameters:
  ///   - parameterCount: number of gradients.
  ///   - trailingCount: number of elements behind them.
  ///   - first: most elements of the first bucket; 1 MiB of floats.
  ///   - middle: most elements of the following ones; 8 MiB.
  ///   - last: most gradients in the last bucket; 256 KiB.
  public init(parameterCount: Int, trailingCount: Int, first: Int = 1 << 18, middle: Int = 1 << 21, last: Int = 1 << 16) {
    precondition(first > 0 && middle > 0 && last >= 0)
    let total = parameterCount + trailingCount
    // What fits one small bucket goes at once: several messages would only add latency.
    guard parameterCount > first else {
      ranges = total > 0 ? [0..<total] : []
      return
    }
    // Boundaries on cache lines.
    let tail = (parameterCount - min(last, parameterCount - first)) / 16 * 16
    var ranges = [0..<min(first, tail)]
    while let end = ranges.last?.upperBound, end < tail { ranges.append(end..<min(end + middle, tail)) }
    ranges.append(tail..<total)
    self.ranges = ranges
  }
}
