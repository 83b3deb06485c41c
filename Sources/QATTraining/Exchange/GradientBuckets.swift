import Foundation
import QATEngine

/// How the flat buffer that ranks exchange is cut into pieces that travel one after the other.
///
/// The first bucket is small so that communication begins early. The buckets after it are large, for bandwidth, but none holds more than half of what is still
/// to come: while the half travels, the other is computed. The last is small because nothing is left to compute while it travels. QAT_BUCKET_KIB in the
/// environment sets other sizes; they change no result. Source: the bucket sizes of PyTorch's DistributedDataParallel (Li et al. 2020, arXiv:2006.15704).
public struct GradientBuckets: Sendable, Hashable {
  /// The pieces, in order, each element in exactly one. All but the last hold gradients only; the last also, or only, statistics and trailer.
  public let ranges: [Range<Int>]

  /// Cuts a buffer.
  /// - Parameters:
  ///   - parameterCount: number of gradients.
  ///   - trailingCount: number of elements behind them.
  ///   - first: most elements of the first bucket; 1 MiB of floats.
  ///   - middle: most elements of the following ones, which also hold at most half of the gradients left; 8 MiB. A remainder below `last` joins the one before it.
  ///   - last: most gradients in the last bucket that holds any; 256 KiB.
  ///   - isTrailingApart: whether what follows the gradients travels apart from them.
  public init(
    parameterCount: Int, trailingCount: Int, first: Int = 1 << 18, middle: Int = 1 << 21, last: Int = 1 << 16, isTrailingApart: Bool = false
  ) {
    precondition(first > 0 && middle > 0 && last >= 0)
    if isTrailingApart {
      let gradients = GradientBuckets(parameterCount: parameterCount, trailingCount: 0, first: first, middle: middle, last: last)
      ranges = gradients.ranges + [parameterCount..<parameterCount + trailingCount]
      return
    }
    let total = parameterCount + trailingCount
    // What fits one small bucket goes at once: several messages would only add latency.
    guard parameterCount > first else {
      ranges = total > 0 ? [0..<total] : []
      return
    }
    // Boundaries on cache lines.
    let tail = (parameterCount - min(last, parameterCount - first)) / 16 * 16
    var ranges = [0..<min(first, tail)]
    while let end = ranges.last?.upperBound, end < tail {
      let size = max(min(middle, (parameterCount - end) / 2 / 16 * 16), last, 16)
      ranges.append(end..<(tail - end < size + last ? tail : end + size))
    }
    ranges.append(tail..<total)
    self.ranges = ranges
  }

  /// Cuts what ranks exchange of `state`, in the sizes that the environment says, else the usual ones.
  /// - Parameters:
  ///   - state: the buffer.
  ///   - isTrailingApart: whether what follows the gradients travels apart from them.
  ///   - environment: holds `QAT_BUCKET_KIB`: three numbers of kibibytes with commas between, for the first, the middle and the last buckets.
  /// - Throws: `TrainingError` when the variable says something else.
  public init(
    _ state: ModelState, isTrailingApart: Bool = false, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(TrainingError) {
    let (parameterCount, trailingCount) = (state.parameters.count, state.reduced.count - state.parameters.count)
    guard let text = environment["QAT_BUCKET_KIB"] else {
      self.init(parameterCount: parameterCount, trailingCount: trailingCount, isTrailingApart: isTrailingApart)
      return
    }
    let sizes = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Int($0) }
    // Up to what MPI counts in one message.
    guard sizes.count == 3, text.split(separator: ",").count == 3, sizes[0] > 0, sizes[1] > 0, sizes[2] >= 0, sizes.allSatisfy({ $0 < 1 << 20 })
    else {
      throw TrainingError(
        .input,
        "QAT_BUCKET_KIB is '\(text)', expected three numbers of KiB below \(1 << 20), for the first, the middle and the last bucket, as in 1024,8192,256"
      )
    }
    let floats = sizes.map { $0 * 1024 / MemoryLayout<Float>.stride }
    self.init(
      parameterCount: parameterCount, trailingCount: trailingCount, first: floats[0], middle: floats[1], last: floats[2],
      isTrailingApart: isTrailingApart)
  }
}
