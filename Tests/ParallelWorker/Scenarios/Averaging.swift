import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Trains with clipped gradients and averaged weights, in four shards whatever the ranks are, up to a step, from the newest checkpoint of the folder, if there is one.
/// Arguments: the folder, the largest norm of a gradient, the decay of the average, the number of steps, `sharded` or `whole`.
@Sendable func averagingScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 5, let limit = Double(arguments[1]), let decay = Double(arguments[2]), let steps = Int(arguments[3]) else {
    throw ScenarioError("folder, norm, decay, steps, sharded or whole")
  }
  var b = NetworkBuilder(name: "averaging", input: [1, 8, 8], seed: 4)
  let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 16, kernel: 3, pad: 1), "bn"), "relu")
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  let graph = quantizedByHand(b.graph(output: scores))
  var configuration = RunConfiguration()
  (configuration.batchSize, configuration.reproducibleShards, configuration.epochs, configuration.seed) = (4, 4, 3, 3)
  configuration.maxSteps = steps
  configuration.optimizer.baseLearningRate = 0.1
  configuration.optimizer.maxGradientNorm = limit
  configuration.optimizer.averageDecay = decay
  configuration.optimizer.isSharded = arguments[4] == "sharded"
  let data = try openDataset("synthetic:1,8,8,4,64", split: .train)
  let result = try trainFromNewest(arguments[0], graph, configuration, data, validation: data, communicator)
  // The average is what is evaluated, on every rank.
  communicator.say("steps \(result.steps) loss \(result.evaluation?.loss ?? -1)")
}
