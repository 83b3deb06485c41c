import Foundation
import QATCommunication

/// What every rank does, with the words after the scenario's name.
typealias Scenario = @Sendable (any Communicator, [String]) throws -> Void

/// A scenario a line, a file each in Scenarios/.
let scenarios: [String: Scenario] = [
  "abort": abortScenario,
  "agreement": agreementScenario,
  "averaging": averagingScenario,
  "calibration": calibrationScenario,
  "collectives": collectivesScenario,
  "compressed-sums": compressedSumsScenario,
  "divergence": divergenceScenario,
  "exchange-training": exchangeTrainingScenario,
  "mismatch": mismatchScenario,
  "overflowing-sum": overflowingSumScenario,
  "poisoned-sample": poisonedSampleScenario,
  "precision": precisionScenario,
  "prepared-sums": preparedSumsScenario,
  "quantizers": quantizersScenario,
  "reproducible-sums": reproducibleSumsScenario,
  "rounds": roundsScenario,
  "shards": shardsScenario,
  "sharded-sums": shardedSumsScenario,
  "staged": stagedScenario,
  "stall": stallScenario,
  "steady-state": steadyStateScenario,
  "stopping": stoppingScenario,
  "synchronized-batch-norm": synchronizedBatchNormScenario,
  "synchronized-gradient": synchronizedGradientScenario,
  "training": trainingScenario,
  "who": whoScenario,
  "workflow": workflowScenario,
]

/// What a scenario throws on purpose.
struct ScenarioError: Error, CustomStringConvertible {
  let description: String
  let exitCode: Int32

  init(_ description: String, exitCode: Int32 = 1) {
    self.description = description
    self.exitCode = exitCode
  }
}

extension Communicator {
  /// Prints a line with the rank before it, in one piece: `ParallelRun.lines` sorts them out again.
  func say(_ line: String) { FileHandle.standardOutput.write(Data("[\(rank)] \(line)\n".utf8)) }
}
