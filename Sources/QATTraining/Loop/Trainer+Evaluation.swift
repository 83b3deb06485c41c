import QATCommunication
import QATQuantization

extension Trainer {
  /// Finds whether the run has reached its goal without a step.
  func evaluateBeforeFirstStep(_ result: inout TrainingResult) throws {
    do {
      result.evaluation = try evaluator?.run()
      initialTop1 = result.evaluation?.top1
    } catch let request as StopRequest {
      result.stop = request
    }
  }

  /// Only whole epochs compete for the best: a run that was cut by a number of steps and goes on is then the same as one that was not cut.
  func evaluateEpoch(_ epoch: Int, isWhole: Bool, _ result: inout TrainingResult) throws {
    guard let evaluator else { return }
    let evaluation: Evaluation
    do {
      evaluation = try evaluator.run()
    } catch let request as StopRequest {
      result.stop = request
      return
    }
    result.evaluation = evaluation
    if isWhole {
      history.append(TrainingState.EpochResult(epoch: epoch, step: step, evaluation: evaluation))
      let found = TrainingState.Best(step: step, top1: evaluation.top1, stage: task.controller?.compressionStage ?? .fullyCompressed)
      if found.isBetter(than: best) { best = found }
    }
    try callbacks.evaluated(EvaluationReport(evaluation: evaluation, step: step, epoch: epoch, epochs: task.configuration.epochs), self)
  }
}
