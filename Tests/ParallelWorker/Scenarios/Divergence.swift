import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Trains, and on one rank a bit of a parameter has flipped before the first step. The argument is that rank.
@Sendable func divergenceScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var b = NetworkBuilder(name: "divergence", input: [1, 8, 8], seed: 3)
  let x = b.relu(b.convolution(b.input, "conv", channels: 16, kernel: 3, pad: 1), "relu")
  let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
  let graph = b.graph(output: scores)
  var configuration = RunConfiguration()
  configuration.batchSize = 8
  configuration.epochs = 10
  configuration.divergenceCheckEvery = 5
  let data = try openDataset("synthetic:1,8,8,4,200", split: .train)
  let state = try ModelState(graph)
  let trainer = try Trainer(
    .init(
      graph: graph, state: state, training: data, validation: nil, configuration: configuration,
      identity: RunIdentity(model: graph, configuration: configuration, dataset: data)), communicator: communicator, showsProgress: false)
  if arguments == ["\(communicator.rank)"] { state.parameters[7] = Float(bitPattern: state.parameters[7].bitPattern ^ 1) }
  _ = try trainer.run()
  communicator.say("nobody has noticed")
}
