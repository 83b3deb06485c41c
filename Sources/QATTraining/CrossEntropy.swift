import CVectorKernels
import QATEngine
import QATGraph

/// The cross-entropy of the softmax of a network's scores [batch, classes] and one class a sample.
///
/// loss = −Σ t · log p with p = softmax(scores) and t = (1 − smoothing) · onehot + smoothing / classes. Sums are in double.
/// A tie of scores counts in the order of the classes. Reference for smoothing: Szegedy et al. 2016, arXiv:1512.00567.
public struct CrossEntropy: Objective, Sendable {
  /// The network's output with the scores.
  public let output: TensorName
  /// Number of classes.
  public let classCount: Int
  /// Share of the target that is spread over all classes, in 0..<1.
  public let labelSmoothing: Float

  /// An objective of the scores `output`, [batch, classes].
  public init(output: TensorName, classCount: Int, labelSmoothing: Float = 0) {
    precondition(classCount > 0 && labelSmoothing >= 0 && labelSmoothing < 1)
    self.output = output
    self.classCount = classCount
    self.labelSmoothing = labelSmoothing
  }

  /// The objective of a classifier.
  /// - Throws: `TrainingError` when the network has not exactly one output with one score a class: [batch, classes], or with ones behind;
  ///   `GraphError` when the graph is none.
  public init(of graph: Graph, labelSmoothing: Float = 0) throws {
    let types = try graph.tensorTypes()
    guard graph.outputs.count == 1, let name = graph.outputs.first, let type = types[name] else {
      throw TrainingError(
        .input, "the network '\(graph.name)' has the outputs \(graph.outputs), a classifier has exactly one, the scores [batch, classes]")
    }
    let dimensions = type.dimensions
    guard dimensions.count >= 2, dimensions[0] == .batch, let classes = dimensions[1].fixedSize, classes > 0,
      dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
    else { throw TrainingError(.input, "the network's output '\(name)' is \(type), a classifier's scores are [batch, classes]") }
    self.init(output: name, classCount: classes, labelSmoothing: labelSmoothing)
  }

  /// Sums the loss over as many samples as there are labels, which may be fewer than the plan's batch in evaluation. Writes gradients in training mode.
  public func evaluate(_ plan: Plan, labels: UnsafeBufferPointer<Int32>, scale: Float) -> LossSums {
    precondition(labels.count <= plan.batchSize, "\(labels.count) labels for a batch of \(plan.batchSize)")
    let gradient = plan.mode == .training ? plan.outputGradient(output) : nil
    return evaluate(scores: plan.output(output), labels: labels, gradient: gradient, scale: scale)
  }

  /// The same on plain memory. `scores` and `gradient` hold at least labels.count × classes elements.
  func evaluate(
    scores: UnsafeBufferPointer<Float>, labels: UnsafeBufferPointer<Int32>, gradient: UnsafeMutableBufferPointer<Float>?, scale: Float
  ) -> LossSums {
    let needed = labels.count * classCount
    precondition(scores.count >= needed && (gradient?.count ?? needed) >= needed)
    for label in labels { precondition(label >= 0 && Int(label) < classCount, "the label \(label) is none of \(classCount) classes") }
    let sums = qat_cross_entropy(scores.baseAddress, labels.baseAddress, gradient?.baseAddress, labels.count, classCount, labelSmoothing, scale)
    return LossSums(loss: sums.loss, correctTop1: Int(sums.top1), correctTop5: Int(sums.top5), count: labels.count)
  }
}
