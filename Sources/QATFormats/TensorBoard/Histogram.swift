/// How values are distributed: counts in intervals of one width between the smallest and the largest value.
public struct Histogram: Sendable, Hashable {
  /// Number of intervals; TensorBoard shows as many.
  public static let bucketCount = 30

  /// The smallest value.
  public let minimum: Double
  /// The largest value.
  public let maximum: Double
  /// Their sum.
  public let sum: Double
  /// The sum of their squares.
  public let sumOfSquares: Double
  /// Upper ends of the intervals, ascending; the last is the largest value.
  public let limits: [Double]
  /// Values in each interval.
  public let counts: [Int]

  /// Counts values; those that are not finite are left out.
  /// - Parameter values: the values; nil when none of them is finite.
  public init?(_ values: UnsafeBufferPointer<Float>) {
    var (low, high, sum, squares) = (Float.infinity, -Float.infinity, 0.0, 0.0)
    for value in values where value.isFinite {
      low = min(low, value)
      high = max(high, value)
      sum += Double(value)
      squares += Double(value) * Double(value)
    }
    guard low <= high else { return nil }
    (minimum, maximum, self.sum, sumOfSquares) = (Double(low), Double(high), sum, squares)
    // All equal: one interval that holds them.
    guard low < high else {
      limits = [Double(low)]
      counts = [values.count { $0.isFinite }]
      return
    }
    let width = (Double(high) - Double(low)) / Double(Self.bucketCount)
    var counts = [Int](repeating: 0, count: Self.bucketCount)
    for value in values where value.isFinite {
      counts[min(Int((Double(value) - Double(low)) / width), Self.bucketCount - 1)] += 1
    }
    self.counts = counts
    limits = (1...Self.bucketCount).map { $0 == Self.bucketCount ? Double(high) : Double(low) + Double($0) * width }
  }

  /// Counts values; those that are not finite are left out.
  public init?(_ values: [Float]) {
    guard let histogram = values.withUnsafeBufferPointer({ Histogram($0) }) else { return nil }
    self = histogram
  }

  /// What the file holds.
  var message: TBHistogramProto {
    .with { message in
      (message.min, message.max, message.sum, message.sumSquares) = (minimum, maximum, sum, sumOfSquares)
      message.num = Double(counts.reduce(0, +))
      // Readers take the end of one interval as the beginning of the next: an empty one says where the first begins.
      message.bucketLimit = [minimum.nextDown] + limits
      message.bucket = [0] + counts.map(Double.init)
    }
  }
}
