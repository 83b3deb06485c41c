import CAllocationCounter
import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATTraining

/// Whole training steps of a quantized network, as the trainer makes them: prints how often our code allocated in a hundred of them, and by how many
/// KiB resident memory grew. Argument: `plain`, or any of `tree` (three micro-batches a rank, summed in the tree's order), `synchronized`, `bfloat16`,
/// `sharded`, `clipped` with a plus sign between.
@Sendable func steadyStateScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  guard let network = architecture(named: "resnet_small", classes: 10) else { throw ScenarioError("there is no resnet_small") }
  let graph = quantizedByHand(network)
  let state = try ModelState(graph)
  try state.synchronize(communicator)
  let options = arguments.first?.split(separator: "+") ?? []
  let normalization = RankNormalization(options.contains("synchronized") ? .synchronized : .local, communicator)
  let plan = try Plan(graph, state: state, batchSize: 8, mode: .training, group: normalization)
  let objective = try CrossEntropy(of: graph)
  let isTree = options.contains("tree")
  let partition = BatchPartition(microBatchSize: 8, accumulationSteps: isTree ? 3 : 1, rank: communicator.rank, rankCount: communicator.size)
  var exchange = GradientExchange(order: isTree ? .tree : .library, precision: options.contains("bfloat16") ? .bfloat16 : .float32)
  let count = state.parameters.count
  if options.contains("sharded") {
    exchange.shards = ParameterShards(parameterCount: count, trailingCount: state.reduced.count - count, rankCount: communicator.size)
  }
  let reducer = try GradientReducer(state, communicator: communicator, partition: partition, exchange: exchange)
  let share = exchange.shards?.share(ofRank: communicator.rank) ?? ParameterShare([0..<count])
  let optimizer = SGD(of: share, momentum: 0.9, weightDecay: 1e-4)
  let clipping = options.contains("clipped") ? GradientClipping(of: state, exchange.shards, communicator) : nil
  let data = try openDataset("synthetic:1,28,28,10,200", split: .train)
  let loader = try BatchLoader(
    dataset: data, preprocessing: Preprocessing(), seed: 1,
    partition: partition)
  let input = graph.inputs[0].name
  func step() throws {
    repeat {
      let batch = try loader.next()
      _ = plan.input(input).update(fromContentsOf: batch.pixels)
      plan.forward()
      _ = objective.evaluate(plan, targets: batch.targets, scale: 1 / Float(partition.globalBatchSize))
      plan.backward(progress: reducer.advance(to:))
      try normalization?.check()
    } while try !reducer.finish()
    state.updateStatistics()
    try clipping?.apply(limit: 0.1)
    optimizer.step(state, rate: 0.01)
    try reducer.gatherParameters()
  }
  for _ in 0..<50 { try step() }
  let before = try residentKibibytes()
  allocation_counter_start()
  for _ in 0..<100 { try step() }
  let allocations = allocation_counter_stop()
  let growth = try residentKibibytes() - before
  communicator.say("allocations \(allocations)")
  communicator.say("growth \(growth)")
}

/// What of the process lies in memory.
private func residentKibibytes() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
    let number = line.split(separator: " ").compactMap({ Int($0) }).first
  else { throw ScenarioError("no VmRSS in /proc/self/status") }
  return number
}
