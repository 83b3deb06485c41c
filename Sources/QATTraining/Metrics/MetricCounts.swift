import QATEngine

/// What is counted for metrics while a data set is evaluated: whole numbers, which add up exactly in any order, and sums of one batch, which are added in the order of batches.
struct MetricCounts {
  /// Sums over one batch.
  struct BatchSums {
    var loss = LossSums()
    var squares = 0.0
    var magnitudes = 0.0
    var elements = 0
    /// Positions in which the network and its reference agree, of `compared`.
    var agreed = 0
    var compared = 0

    mutating func add(_ other: BatchSums) {
      loss.add(other.loss)
      squares += other.squares
      magnitudes += other.magnitudes
      elements += other.elements
      agreed += other.agreed
      compared += other.compared
    }
  }

  /// For each class true positives, false positives, false negatives.
  var classes: [Int]

  /// Nothing, of so many classes; 0 where classes need not be counted.
  init(classCount: Int) { classes = [Int](repeating: 0, count: 3 * classCount) }

  /// Adds the counts of another rank.
  mutating func add(_ other: UnsafeBufferPointer<Int>) {
    if classes.isEmpty { classes = [Int](repeating: 0, count: other.count) }
    for (index, count) in zip(classes.indices, other) { classes[index] += count }
  }

  /// Counts a position.
  mutating func add(predicted: Int, wanted: Int) {
    if predicted == wanted {
      classes[3 * wanted] += 1
    } else {
      classes[3 * predicted + 1] += 1
      classes[3 * wanted + 2] += 1
    }
  }

  /// Counts a label that holds or not by itself.
  mutating func add(label: Int, predicted: Bool, wanted: Bool) {
    guard predicted || wanted else { return }
    classes[3 * label + (predicted && wanted ? 0 : predicted ? 1 : 2)] += 1
  }

  /// The mean over classes that occur of a function of true positives and all errors.
  private func mean(_ value: (_ hits: Double, _ errors: Double) -> Double) -> Double {
    var (sum, count) = (0.0, 0)
    for index in stride(from: 0, to: classes.count, by: 3) {
      let (hits, errors) = (classes[index], classes[index + 1] + classes[index + 2])
      guard hits + errors > 0 else { continue }
      sum += value(Double(hits), Double(errors))
      count += 1
    }
    return sum / Double(max(count, 1))
  }

  var meanIntersectionOverUnion: Double { mean { $0 / ($0 + $1) } }
  var f1: Double { mean { 2 * $0 / (2 * $0 + $1) } }
}

extension Metric {
  /// Its value for a whole data set.
  func value(_ sums: MetricCounts.BatchSums, _ counts: MetricCounts) -> Double {
    let (positions, elements) = (Double(max(sums.loss.positions, 1)), Double(max(sums.elements, 1)))
    return switch self {
    case .top1: Double(sums.loss.correctTop1) / positions
    case .top5: Double(sums.loss.correctTop5) / positions
    case .meanIntersectionOverUnion: counts.meanIntersectionOverUnion
    case .f1: counts.f1
    case .rootMeanSquaredError: (sums.squares / elements).squareRoot()
    case .meanAbsoluteError: sums.magnitudes / elements
    case .agreement: Double(sums.agreed) / Double(max(sums.compared, 1))
    }
  }
}
