import CVectorKernels
import QATData
import QATEngine
import QATGraph

/// The cross-entropy of the softmax of a network's scores against classes: one a sample, one a pixel or token, or a share of each class a sample.
///
/// loss = −Σ t · log p with p = softmax(scores) and t = (1 − smoothing) · target + smoothing / classes. Sums are in double.
/// A tie of scores counts in the order of the classes. Reference for smoothing: Szegedy et al. 2016, arXiv:1512.00567.
///
/// Scores are [batch, classes], with ones behind; [batch, classes, ...] with a class for each element of the rest, as PyTorch has it; or [batch, tokens, classes],
/// as transformers have it. Which of these they are, the shape of the targets decides; where both would do, classes stand last in three dimensions.
public struct CrossEntropy: OutputLoss {
  /// How scores of a sample are arranged.
  enum Arrangement: Sendable, Hashable {
    /// [positions, classes].
    case classesLast
    /// [classes, positions].
    case classesFirst
  }

  /// The network's output with the scores.
  public let output: TensorName
  /// Number of classes.
  public let classCount: Int
  /// Share of the target that is spread over all classes, in 0..<1.
  public let labelSmoothing: Float
  /// The label of what does not count.
  public let ignoreIndex: Int?
  let arrangement: Arrangement
  /// Shape of a sample's labels: empty for one.
  let labelShape: [Int]

  /// An objective of the scores `output`, [batch, classes].
  public init(output: TensorName, classCount: Int, labelSmoothing: Float = 0, ignoreIndex: Int? = nil) {
    self.init(output, classCount, labelSmoothing, ignoreIndex, .classesLast, labelShape: [])
  }

  init(
    _ output: TensorName, _ classCount: Int, _ labelSmoothing: Float, _ ignoreIndex: Int?, _ arrangement: Arrangement, labelShape: [Int]
  ) {
    precondition(classCount > 0 && labelSmoothing >= 0 && labelSmoothing < 1)
    self.output = output
    self.classCount = classCount
    self.labelSmoothing = labelSmoothing
    self.ignoreIndex = ignoreIndex
    self.arrangement = arrangement
    self.labelShape = labelShape
  }

  /// The objective of a network.
  /// - Parameters:
  ///   - graph: the network.
  ///   - labelSmoothing: share of the target that is spread over all classes.
  ///   - ignoreIndex: the label of what does not count.
  ///   - output: which output; nil for the only one.
  ///   - target: what samples say of it; one class a sample unless said otherwise.
  /// - Throws: `TrainingError` when the network has no such output, or not one score a class; `GraphError` when the graph is none.
  public init(
    of graph: Graph, labelSmoothing: Float = 0, ignoreIndex: Int? = nil, output: String? = nil, target: SampleTarget = .classes(shape: [], count: 0)
  ) throws {
    let (name, shape) = try graph.lossOutput(output)
    let wanted = if case .classes(let shape, _) = target { shape } else { [Int]() }
    func make(_ arrangement: Arrangement, _ classes: Int) -> CrossEntropy {
      CrossEntropy(name, classes, labelSmoothing, ignoreIndex, arrangement, labelShape: wanted)
    }
    if wanted.isEmpty, let classes = shape.first, shape.dropFirst().allSatisfy({ $0 == 1 }) {
      self = make(.classesLast, classes)
    } else if !wanted.isEmpty, shape.count == 2, let classes = shape.last, Array(shape.dropLast()) == wanted {
      self = make(.classesLast, classes)
    } else if !wanted.isEmpty, let classes = shape.first, Array(shape.dropFirst()) == wanted {
      self = make(.classesFirst, classes)
    } else {
      let expected =
        wanted.isEmpty
        ? "a classifier's scores are [batch, classes]"
        : "with a class for each element of \(wanted) scores are \(["classes"] + wanted.map(String.init)) a sample"
      throw TrainingError(.input, "the network's output '\(name)' is [batch, \(shape.map(String.init).joined(separator: ", "))], \(expected)")
    }
  }

  /// Classes below `classCount`.
  public var classRule: ClassRule? { ClassRule(classCount: classCount, ignoreIndex: ignoreIndex) }

  /// What targets it takes, in words.
  public var expectation: String {
    labelShape.isEmpty
      ? "one class a sample, or shares of \(classCount) classes, for the loss \"cross_entropy\"" : "a class for each element of \(labelShape)"
  }

  /// Whether targets are classes of the scores' shape, or shares of all classes.
  public func accepts(_ target: SampleTarget) -> Bool {
    switch target {
    case .none: false
    case .classes(let shape, _): shape == labelShape
    case .numbers(let shape): labelShape.isEmpty && shape == [classCount]
    }
  }

  /// Sums the loss over as many samples as there are targets, which may be fewer than the plan's batch in evaluation.
  public func evaluate(
    scores: UnsafeBufferPointer<Float>, targets: BatchTargets, gradient: UnsafeMutableBufferPointer<Float>?, scale: Float
  ) -> LossSums {
    let positions = labelShape.reduce(1, *)
    let size = positions * classCount
    precondition(scores.count >= targets.count * size && (gradient?.count ?? scores.count) >= targets.count * size)
    switch targets.values {
    case .none: return LossSums(positions: 0, count: targets.count)
    case .numbers(let shares):
      precondition(shares.count == targets.count * classCount)
      let sums = qat_cross_entropy_shares(
        scores.baseAddress, shares.baseAddress, gradient?.baseAddress, targets.count, classCount, labelSmoothing, scale)
      return LossSums(sums, count: targets.count)
    case .classes(let labels):
      precondition(labels.count == targets.count * positions)
      for label in labels { precondition(label < classCount, "the label \(label) is none of \(classCount) classes") }
      if positions == 1 {
        let sums = qat_cross_entropy(
          scores.baseAddress, labels.baseAddress, gradient?.baseAddress, labels.count, classCount, labelSmoothing, scale)
        return LossSums(sums, count: targets.count)
      }
      var total = LossSums(count: targets.count)
      total.positions = 0
      for sample in 0..<targets.count {
        let part = UnsafeBufferPointer(rebasing: labels[sample * positions..<(sample + 1) * positions])
        add(&total, scores.baseAddress.map { $0 + sample * size }, part, gradient?.baseAddress.map { $0 + sample * size }, scale)
      }
      return total
    }
  }

  /// Adds one sample: the mean over its positions that count.
  private func add(
    _ total: inout LossSums, _ scores: UnsafePointer<Float>?, _ labels: UnsafeBufferPointer<Int32>, _ gradient: UnsafeMutablePointer<Float>?,
    _ scale: Float
  ) {
    var counted = 0
    for label in labels where label >= 0 { counted += 1 }
    let share = 1 / Float(max(counted, 1))
    let sums =
      switch arrangement {
      case .classesLast:
        qat_cross_entropy(scores, labels.baseAddress, gradient, labels.count, classCount, labelSmoothing, scale * share)
      case .classesFirst:
        qat_cross_entropy_map(scores, labels.baseAddress, gradient, classCount, labels.count, labelSmoothing, scale * share)
      }
    total.loss += sums.loss / Double(max(counted, 1))
    total.correctTop1 += Int(sums.top1)
    total.correctTop5 += Int(sums.top5)
    total.positions += counted
  }
}

extension LossSums {
  fileprivate init(_ sums: qat_loss_sums, count: Int) {
    self.init(loss: sums.loss, correctTop1: Int(sums.top1), correctTop5: Int(sums.top5), positions: Int(sums.counted), count: count)
  }
}
