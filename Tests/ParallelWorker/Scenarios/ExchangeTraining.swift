import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Trains a quantized network with batch norm up to a step, from the newest checkpoint of the folder, if there is one.
/// Arguments: the folder, SGD or AdamW, `sharded` or `whole`, the precision of gradients, the number of steps, the largest norm of gradients or 0.
@Sendable func exchangeTrainingScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 6, let kind = OptimizerConfiguration.Kind(rawValue: arguments[1]),
    let precision = GradientPrecision(rawValue: arguments[3]), let steps = Int(arguments[4]), let norm = Double(arguments[5])
  else { throw ScenarioError("folder, optimizer, sharded or whole, precision, steps, norm") }
  var b = NetworkBuilder(name: "exchange", input: [1, 12, 12], seed: 4)
  var x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: 20, kernel: 3, pad: 1), "bn1"), "relu1")
  x = b.relu(b.batchNormalization(b.convolution(x, "conv2", channels: 33, kernel: 3, stride: 2), "bn2"), "relu2")
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  let graph = quantizedByHand(b.graph(output: scores))
  var configuration = RunConfiguration()
  configuration.batchSize = 8
  configuration.maxSteps = steps
  configuration.epochs = 10
  configuration.seed = 11
  configuration.optimizer = OptimizerConfiguration(kind)
  configuration.optimizer.baseLearningRate = kind == .sgd ? 0.05 : 1e-3
  configuration.optimizer.schedule.kind = .constant
  configuration.optimizer.isSharded = arguments[2] == "sharded"
  if norm > 0 { configuration.optimizer.maxGradientNorm = norm }
  configuration.gradientPrecision = precision
  let data = try openDataset("synthetic:1,12,12,4,200", split: .train)
  communicator.say("steps \(try trainFromNewest(arguments[0], graph, configuration, data, communicator).steps)")
}
