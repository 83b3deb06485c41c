import QATEngine

/// Counts what the metrics of an evaluation need, batch by batch.
struct MetricMeter {
  let metrics: [Metric]
  private let loss: any OutputLoss
  /// What was counted so far.
  private(set) var counts: MetricCounts

  /// A meter of scores that a loss judges.
  init(_ metrics: [Metric], of loss: any OutputLoss) {
    self.metrics = metrics
    self.loss = loss
    let counts = metrics.contains(.f1) || metrics.contains(.meanIntersectionOverUnion)
    let classes = (loss as? CrossEntropy)?.classCount ?? (loss as? ElementwiseLoss)?.elementCount ?? 0
    self.counts = MetricCounts(classCount: counts ? classes : 0)
  }

  /// The sums of a batch; counts its classes.
  /// - Parameters:
  ///   - scores: the output.
  ///   - targets: what it should be.
  ///   - reference: the output of the network before it was compressed; nil where that is not asked for.
  /// - Returns: the sums.
  mutating func measure(
    _ scores: UnsafeBufferPointer<Float>, _ targets: BatchTargets, reference: UnsafeBufferPointer<Float>?
  ) -> MetricCounts.BatchSums {
    var sums = MetricCounts.BatchSums()
    sums.loss = loss.evaluate(scores: scores, targets: targets, gradient: nil, scale: 1)
    guard !metrics.isEmpty else { return sums }
    if let crossEntropy = loss as? CrossEntropy {
      let size = crossEntropy.positionCount
      for position in 0..<targets.count * size {
        let predicted = crossEntropy.preferred(scores, position)
        if let reference {
          sums.compared += 1
          if crossEntropy.preferred(reference, position) == predicted { sums.agreed += 1 }
        }
        guard !counts.classes.isEmpty, let wanted = crossEntropy.wanted(targets, position) else { continue }
        counts.add(predicted: predicted, wanted: wanted)
      }
    } else if let elementwise = loss as? ElementwiseLoss, case .numbers(let numbers) = targets.values {
      for (index, wanted) in numbers.enumerated() {
        if !counts.classes.isEmpty { counts.add(label: index % elementwise.elementCount, predicted: scores[index] > 0, wanted: wanted > 0.5) }
        let difference = Double(scores[index]) - Double(wanted)
        sums.squares += difference * difference
        sums.magnitudes += abs(difference)
      }
      sums.elements += numbers.count
    }
    return sums
  }
}

extension CrossEntropy {
  /// Positions of a sample.
  var positionCount: Int { labelShape.reduce(1, *) }

  /// The class that scores highest in a position of a batch, the first of several.
  func preferred(_ scores: UnsafeBufferPointer<Float>, _ position: Int) -> Int {
    let (sample, place) = position.quotientAndRemainder(dividingBy: positionCount)
    let size = positionCount * classCount
    let (start, step) = arrangement == .classesLast ? (sample * size + place * classCount, 1) : (sample * size + place, positionCount)
    var best = 0
    for index in 1..<max(classCount, 1) where scores[start + index * step] > scores[start + best * step] { best = index }
    return best
  }

  /// The class that a position of a batch should have; nil where it does not count.
  func wanted(_ targets: BatchTargets, _ position: Int) -> Int? {
    switch targets.values {
    case .none: return nil
    case .classes(let classes): return classes[position] < 0 ? nil : Int(classes[position])
    case .numbers(let shares):
      var best = 0
      for index in 1..<max(classCount, 1) where shares[position * classCount + index] > shares[position * classCount + best] { best = index }
      return best
    }
  }
}
