import QATCommunication
import QATQuantization

extension Trainer {
  /// Finds whether the run has reached its goal without a step.
  func evaluateBeforeFirstStep(_ result: inout TrainingResult) throws {
    do {
      result.evaluation = try evaluator.map(judge)
      initialTop1 = result.evaluation?.top1
    } catch let request as StopRequest {
      result.stop = request
    }
  }

  /// Evaluates the network as it would be exported.
  private func judge(_ evaluator: Evaluator) throws -> Evaluation { try average?.withAverages(evaluator.run) ?? evaluator.run() }

  /// Only whole epochs compete for the best: a run that was cut by a number of steps and goes on is then the same as one that was not cut.
  func evaluateEpoch(_ epoch: Int, isWhole: Bool, _ result: inout TrainingResult) throws {
    guard let evaluator else { return }
    let evaluation: Evaluation
    do {
      evaluation = try judge(evaluator)
    } catch let request as StopRequest {
      result.stop = request
      return
    }
    result.evaluation = evaluation
    if isWhole {
      history.append(TrainingState.EpochResult(epoch: epoch, step: step, evaluation: evaluation))
      let found = TrainingState.Best(
        step: step, top1: evaluation.top1, score: evaluation.score(task.configuration.metrics.first),
        stage: task.controller?.compressionStage ?? .fullyCompressed)
      if found.isBetter(than: best) { best = found }
    }
    try callbacks.evaluated(EvaluationReport(evaluation: evaluation, step: step, epoch: epoch, epochs: task.configuration.epochs), self)
  }
}
