import QATCommunication

/// The callbacks of a run on this rank, called one after the other. Hooks that may throw end in an agreement of all ranks.
final class CallbackList {
  private let members: [any TrainingCallback]
  private let communicator: any Communicator

  init(_ members: [any TrainingCallback], _ communicator: any Communicator) {
    self.members = members
    self.communicator = communicator
  }

  func trainingBegan(_ trainer: Trainer) throws { try each { try $0.trainingBegan(trainer) } }

  func epochBegan(_ epoch: Int, _ trainer: Trainer) throws { try each { try $0.epochBegan(epoch, trainer) } }

  func stepEnded(_ report: StepReport, _ trainer: Trainer) {
    for member in members { member.stepEnded(report, trainer) }
  }

  func evaluated(_ report: EvaluationReport, _ trainer: Trainer) throws { try each { try $0.evaluated(report, trainer) } }

  func epochEnded(_ report: EpochReport, _ trainer: Trainer) throws { try each { try $0.epochEnded(report, trainer) } }

  func checkpointWritten(_ path: String, _ trainer: Trainer) {
    for member in members { member.checkpointWritten(path, trainer) }
  }

  func trainingEnded(_ result: TrainingResult, _ trainer: Trainer) throws { try each { try $0.trainingEnded(result, trainer) } }

  /// Whether a callback of any rank wants the run to end; the same on every rank.
  func wantToStop(_ trainer: Trainer) throws -> Bool {
    var wishes = [Int64(members.contains { $0.wantsToStop(trainer) } ? 1 : 0)]
    try wishes.withUnsafeMutableBufferPointer { try communicator.allreduce($0, .maximum) }
    return wishes[0] > 0
  }

  func learningRate(_ rate: Double, inEpoch epoch: Int) -> Double {
    var rate = rate
    for member in members { rate = member.learningRate(rate, inEpoch: epoch) }
    return rate
  }

  func noted(_ message: String) {
    for member in members { member.noted(message) }
  }

  /// Tells the user of something that may need a remedy.
  func warned(_ message: String) { noted("qat: warning: \(message)") }

  private func each(_ body: (any TrainingCallback) throws -> Void) throws {
    try communicator.together { for member in members { try body(member) } }
  }
}
