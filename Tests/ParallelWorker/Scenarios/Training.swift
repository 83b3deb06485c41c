import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATTraining

/// Trains on the synthetic data with a given global batch size and prints the loss of each step, which the metrics log holds.
/// Arguments: a folder of its own, the global batch size, the number of steps, `fp32` or `quantized`.
@Sendable func trainingScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 4, let batch = Int(arguments[1]), let steps = Int(arguments[2]) else { throw ScenarioError("folder, batch, steps, kind") }
  var graph = unnormalizedNetwork()
  if arguments[3] == "quantized" { graph = quantizedByHand(graph) }
  var configuration = RunConfiguration()
  configuration.batchSize = batch / communicator.size
  configuration.maxSteps = steps
  configuration.epochs = 100
  configuration.seed = 11
  configuration.optimizer.baseLearningRate = 0.1
  let data = try openDataset("synthetic:1,12,12,4,200", split: .train)
  let directory = CheckpointDirectory(arguments[0])
  try communicator.together { if communicator.isRoot { try directory.prepare() } }
  let identity = try RunIdentity(model: graph, configuration: configuration, dataset: data)
  let trainer = try Trainer(
    .init(
      graph: graph, state: try ModelState(graph), training: data, validation: try openDataset("synthetic:1,12,12,4,99", split: .test),
      configuration: configuration, directory: directory, identity: identity), communicator: communicator, showsProgress: false)
  let result = try trainer.run()
  communicator.say("steps \(result.steps) top1 \(result.evaluation?.top1 ?? -1) count \(result.evaluation?.count ?? 0)")
}

/// A convolutional network without batch norm, whose gradient is the mean of its samples' gradients.
private func unnormalizedNetwork() -> Graph {
  var b = NetworkBuilder(name: "plain", input: [1, 12, 12], seed: 4)
  var x = b.relu(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1, hasBias: true), "relu1")
  x = b.relu(b.convolution(x, "conv2", channels: 32, kernel: 3, stride: 2, pad: 1, hasBias: true), "relu2")
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  return b.graph(output: scores)
}
