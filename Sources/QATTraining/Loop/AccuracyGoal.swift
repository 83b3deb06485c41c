import QATQuantization

/// When a run may end early: the compressed network is accurate enough. All ranks decide alike, from evaluations that are the same on each.
public struct AccuracyGoal: Sendable, Hashable {
  /// What may be lost.
  public var budget: AccuracyAwareTraining
  /// Top-1 of the network before it was compressed.
  public var uncompressed: Double

  /// A goal.
  public init(_ budget: AccuracyAwareTraining, uncompressed: Double) {
    self.budget = budget
    self.uncompressed = uncompressed
  }

  /// The lowest top-1 that is good enough.
  public var minimum: Double { budget.minimum(uncompressed: uncompressed) }
}

extension Trainer {
  /// Whether the run has come to its goal: all quantizers quantize, and the last evaluation, after a whole epoch or before the first, is good enough.
  var isAtGoal: Bool {
    guard let goal = task.goal, task.controller?.compressionStage ?? .fullyCompressed == .fullyCompressed else { return false }
    let last = step == 0 ? initialTop1 : history.last.flatMap { $0.step == step ? $0.evaluation.top1 : nil }
    return last.map { $0 >= goal.minimum } ?? false
  }

  /// Gives the network the parameters of the best evaluation of the whole run, when those are not the current ones. All ranks call it together.
  /// - Returns: the best evaluation; nil where nothing was restored.
  /// - Throws: what reading the checkpoint throws.
  public func restoreBest() throws -> Evaluation? {
    guard let directory = task.directory, let best, best.step != step, best.stage == .fullyCompressed,
      let loaded = try directory.load(.best, identity: nil, communicator: communicator), loaded.checkpoint.state.step == best.step
    else { return nil }
    try task.state.restore(loaded.checkpoint.model)
    average?.restart()
    return history.last { $0.step == best.step }?.evaluation
  }
}
