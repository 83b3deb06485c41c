import QATData
import QATEngine
import QATGraph

/// A loss of one output of a network.
///
/// The loss of a sample is the mean over its positions that count, the loss of a batch the mean over its samples; so no gradient depends on how many positions
/// other samples have.
public protocol OutputLoss: Objective, Sendable {
  /// The network's output.
  var output: TensorName { get }
  /// Which classes targets may have; nil where they are no classes.
  var classRule: ClassRule? { get }
  /// What targets it takes, in words.
  var expectation: String { get }
  /// Whether targets of this kind say what the output should be.
  func accepts(_ target: SampleTarget) -> Bool
  /// Sums the loss over as many samples as there are targets.
  /// - Parameters:
  ///   - scores: the output, a sample after the other; at least as many as there are targets.
  ///   - targets: what the output should be.
  ///   - gradient: as many elements as scores; nil in evaluation.
  ///   - scale: factor of the gradient.
  /// - Returns: the sums, not scaled.
  func evaluate(
    scores: UnsafeBufferPointer<Float>, targets: BatchTargets, gradient: UnsafeMutableBufferPointer<Float>?, scale: Float
  ) -> LossSums
}

extension OutputLoss {
  /// The sums of a plan's last batch; writes gradients in training mode.
  public func evaluate(_ plan: Plan, targets: BatchTargets, scale: Float) -> LossSums {
    precondition(targets.count <= plan.batchSize, "\(targets.count) targets for a batch of \(plan.batchSize)")
    let gradient = plan.mode == .training ? plan.outputGradient(output) : nil
    return evaluate(scores: plan.output(output), targets: targets, gradient: gradient, scale: scale)
  }

  /// Checks that a data set says what the output should be.
  /// - Throws: `TrainingError` with what it has and what is expected; `DataError` naming a sample whose label is none of the network's classes.
  func requireTargets(of dataset: any Dataset) throws {
    guard accepts(dataset.target) else {
      throw TrainingError(.input, "a sample of \(dataset.name) has \(dataset.target.words), expected \(expectation)")
    }
    if let classRule { try dataset.requireLabels(below: classRule.classCount, ignoring: classRule.ignoreIndex) }
  }
}

extension SampleTarget {
  /// What it is, in words.
  var words: String {
    switch self {
    case .none: "no target"
    case .classes(let shape, let count): shape.isEmpty ? "one of \(count) classes" : "one of \(count) classes for each element of \(shape)"
    case .numbers(let shape): "numbers of the shape \(shape) as its target"
    }
  }
}

extension Graph {
  /// The output that a loss is taken of.
  /// - Parameter name: which one; nil for the only one.
  /// - Returns: its name, and its shape without the batch.
  /// - Throws: `TrainingError` with the outputs that there are; `GraphError` when the graph is none.
  func lossOutput(_ name: String?) throws -> (name: TensorName, shape: [Int]) {
    let types = try tensorTypes()
    let found = name.map { outputs.contains($0) ? $0 : nil } ?? (outputs.count == 1 ? outputs.first : nil)
    guard let found, let type = types[found] else {
      let wanted = name.map { "and none is called '\($0)'" } ?? "a classifier has exactly one, the scores [batch, classes]"
      throw TrainingError(
        .input, "the network '\(self.name)' has the outputs \(outputs), \(wanted). Say in \"loss\" of which one it is: { \"output\": \"NAME\" }")
    }
    let shape = type.dimensions.dropFirst().compactMap(\.fixedSize)
    guard type.dimensions.first == .batch, shape.count == type.dimensions.count - 1, shape.allSatisfy({ $0 > 0 }) else {
      throw TrainingError(
        .input, "the network's output '\(found)' is \(type), a classifier's scores are [batch, classes]: the batch first, then fixed sizes")
    }
    return (found, shape)
  }
}
