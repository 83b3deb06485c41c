import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTraining

/// Trains on the synthetic data with a given global batch size and prints the loss of each step, which the metrics log holds.
/// Arguments: a folder of its own, the global batch size, the number of steps, `fp32`, `quantized`, `synchronized` for batch norm over all ranks,
/// `accumulated` for fp32 in two micro-batches a rank, `clipped` for fp32 with short gradients, `bfloat16` for gradients in that form, or `distilled` for a quantized network with its teacher alone.
@Sendable func trainingScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard arguments.count == 4, let batch = Int(arguments[1]), let steps = Int(arguments[2]) else { throw ScenarioError("folder, batch, steps, kind") }
  var graph = network(isNormalized: arguments[3] == "synchronized")
  let teacher = graph
  if ["quantized", "distilled"].contains(arguments[3]) { graph = quantizedByHand(graph) }
  var configuration = RunConfiguration()
  configuration.batchSize = batch / communicator.size
  if arguments[3] == "accumulated" {
    configuration.accumulationSteps = 2
    configuration.batchSize /= 2
  }
  configuration.maxSteps = steps
  configuration.epochs = 100
  configuration.seed = 11
  configuration.optimizer.baseLearningRate = 0.1
  if arguments[3] == "clipped" { configuration.optimizer.maxGradientNorm = 0.05 }
  if arguments[3] == "bfloat16" { configuration.gradientPrecision = .bfloat16 }
  if arguments[3] == "synchronized" { configuration.batchNorm = .synchronized }
  if arguments[3] == "distilled" {
    configuration.loss = .none
    configuration.nncf.distillation = KnowledgeDistillation(.softmax)
  }
  let data = try openDataset("synthetic:1,12,12,4,200", split: .train)
  let directory = CheckpointDirectory(arguments[0])
  try communicator.together { if communicator.isRoot { try directory.prepare() } }
  let identity = RunIdentity(model: graph, configuration: configuration, dataset: data)
  var task = Trainer.Task(
    graph: graph, state: try ModelState(graph), training: data, validation: try openDataset("synthetic:1,12,12,4,99", split: .test),
    configuration: configuration, directory: directory, identity: identity)
  task.teacher = teacher
  let trainer = try Trainer(task, communicator: communicator, showsProgress: false)
  let result = try trainer.run()
  communicator.say("steps \(result.steps) top1 \(result.evaluation?.top1 ?? -1) count \(result.evaluation?.count ?? 0)")
}

/// A convolutional network. Without batch norm its gradient is the mean of its samples' gradients.
private func network(isNormalized: Bool) -> Graph {
  var b = NetworkBuilder(name: "plain", input: [1, 12, 12], seed: 4)
  func convolution(_ x: NetworkBuilder.Value, _ number: Int, channels: Int, stride: Int) -> NetworkBuilder.Value {
    var y = b.convolution(x, "conv\(number)", channels: channels, kernel: 3, stride: stride, pad: 1, hasBias: !isNormalized)
    if isNormalized { y = b.batchNormalization(y, "bn\(number)") }
    return b.relu(y, "relu\(number)")
  }
  let x = convolution(convolution(b.input, 1, channels: 16, stride: 1), 2, channels: 32, stride: 2)
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  return b.graph(output: scores)
}
