import Foundation
import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Trains with momentum, batch norm and dropout, and goes on from what is in its folder. On the last rank, SIGUSR1 is sent to that rank when it reads
/// its n-th sample of training, or in its k-th evaluation. Arguments: the folder, n, k (0 for never).
@Sendable func stoppingScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 3, let fatal = Int(arguments[1]), let evaluation = Int(arguments[2]) else {
    throw ScenarioError("folder, sample, evaluation")
  }
  StopRequest.watch()
  var b = NetworkBuilder(name: "stopping", input: [1, 8, 8], seed: 3)
  let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 16, kernel: 3, pad: 1), "bn"), "relu")
  let dropped = b.dropout(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "dropout", ratio: 0.2)
  let scores = b.linear(dropped, "fc", features: 4)
  let graph = b.graph(output: scores)

  var configuration = RunConfiguration()
  configuration.batchSize = 8
  configuration.epochs = 10
  configuration.seed = 3
  let isLast = communicator.rank == communicator.size - 1
  let data = SignallingDataset(wrapped: try openDataset("synthetic:1,8,8,4,200", split: .train), signalAt: isLast ? fatal : 0)
  let samples = try openDataset("synthetic:1,8,8,4,50", split: .test)
  let share = EvaluationLoader.share(of: samples.count, batchSize: configuration.batchSize, rank: communicator.rank, size: communicator.size)
  let validation = SignallingDataset(wrapped: samples, signalAt: isLast && evaluation > 0 ? (evaluation - 1) * share.count + 3 : 0)
  let directory = CheckpointDirectory(arguments[0])
  try communicator.together { if communicator.isRoot { try directory.prepare() } }
  let identity = RunIdentity(model: graph, configuration: configuration, dataset: data, validation: validation)
  let checkpoint = try directory.load(.auto, identity: identity, communicator: communicator)?.checkpoint
  let trainer = try Trainer(
    .init(
      graph: graph, state: try ModelState(graph), training: data, validation: validation,
      configuration: configuration, directory: directory, identity: identity), communicator: communicator, resuming: checkpoint, showsProgress: false)
  let result = try trainer.run()
  communicator.say("from \(checkpoint?.state.step ?? 0) to \(result.steps) exit \(result.stop?.exitCode ?? 0)")
}

/// Another data set, whose n-th reading sends SIGUSR1 to the process. One thread reads at a time, which is the invariant behind the counter.
private final class SignallingDataset: Dataset, @unchecked Sendable {
  private let wrapped: any Dataset
  private let signalAt: Int
  private var readings = 0

  init(wrapped: any Dataset, signalAt: Int) {
    self.wrapped = wrapped
    self.signalAt = signalAt
  }

  var name: String { wrapped.name }
  var count: Int { wrapped.count }
  var inputs: [SampleInput] { wrapped.inputs }
  var target: SampleTarget { wrapped.target }
  var contentHash: UInt64 { wrapped.contentHash }
  func classLabel(at index: Int) -> Int32? { wrapped.classLabel(at: index) }

  func read(_ index: Int, into sample: Sample) throws {
    readings += 1
    if readings == signalAt { kill(getpid(), SIGUSR1) }
    try wrapped.read(index, into: sample)
  }
}
