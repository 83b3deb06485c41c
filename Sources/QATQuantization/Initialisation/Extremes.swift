/// Ends of the values that a quantizer sees, one pair a channel, or one in all.
struct Extremes: Sendable, Hashable {
  /// The lower end of each channel.
  var minimum: [Double]
  /// The upper end of each channel; where extremes are taken for a symmetric quantizer, that of the absolute values.
  var maximum: [Double]

  /// Ends of nothing.
  init(channels: Int) {
    minimum = Array(repeating: .infinity, count: channels)
    maximum = Array(repeating: -.infinity, count: channels)
  }

  /// Given ends.
  init(minimum: [Double], maximum: [Double]) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// Widens these ends to hold others.
  mutating func form(_ other: Extremes) {
    for channel in minimum.indices {
      minimum[channel] = min(minimum[channel], other.minimum[channel])
      maximum[channel] = max(maximum[channel], other.maximum[channel])
    }
  }
}
