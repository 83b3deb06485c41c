/// How the values of a tensor belong to samples and channels: [sample][outer][channel][inner], row-major.
struct ObservedLayout: Sendable {
  /// Values of one sample.
  let sampleSize: Int
  /// Number of channels with a range of their own; 1 for one range in all.
  let channels: Int
  /// Values between neighbouring channels.
  let inner: Int

  /// The layout of a tensor.
  /// - Parameters:
  ///   - shape: the tensor's shape.
  ///   - axis: the axis of the channels, from the end when negative; nil for one range in all.
  ///   - samples: number of samples; 1 for a weight.
  init(shape: [Int], axis: Int?, samples: Int) {
    sampleSize = shape.reduce(1, *) / samples
    let axis = axis.map { $0 < 0 ? $0 + shape.count : $0 }
    channels = axis.map { shape[$0] } ?? 1
    inner = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
  }

  /// The values of the samples in `range`, which lie one after the other.
  func values(of range: Range<Int>, in values: UnsafeBufferPointer<Float>) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(rebasing: values[range.lowerBound * sampleSize..<range.upperBound * sampleSize])
  }

  /// Calls `body` with each channel and its values, in one or several pieces a channel, in memory order.
  @inline(__always)
  func forEachPiece(of values: UnsafeBufferPointer<Float>, _ body: (_ channel: Int, _ values: UnsafeBufferPointer<Float>) -> Void) {
    if channels == 1 {
      body(0, values)
      return
    }
    var channel = 0
    for start in stride(from: 0, to: values.count, by: inner) {
      body(channel, UnsafeBufferPointer(rebasing: values[start..<start + inner]))
      channel = channel + 1 == channels ? 0 : channel + 1
    }
  }
}
