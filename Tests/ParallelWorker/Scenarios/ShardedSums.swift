import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Sums and updates by shards beside sums and updates of everything, for every order, precision and partition: gradients of the own share, statistics and trailer
/// have the same bits, and after the gathering all parameters.
@Sendable func shardedSumsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var b = NetworkBuilder(name: "sums", input: [3, 10, 10], seed: 1)
  let normalized = b.batchNormalization(b.convolution(b.input, "conv", channels: 20, kernel: 3, pad: 1), "bn")
  // More parameters than the first bucket holds.
  let hidden = b.linear(b.flatten(normalized, "flatten"), "hidden", features: 170)
  let scores = b.linear(hidden, "fc", features: 7)
  let graph = b.graph(output: scores)
  let size = communicator.size
  let partitions = [
    BatchPartition(microBatchSize: 1, rank: communicator.rank, rankCount: size),
    BatchPartition(microBatchSize: 1, accumulationSteps: 3, rank: communicator.rank, rankCount: size),
    BatchPartition(microBatchSize: 1, shardCount: max(6, size), rank: communicator.rank, rankCount: size),
  ]
  for partition in partitions {
    for exchange in [GradientExchange(order: .library), .init(order: .tree), .init(precision: .bfloat16, exact: ["bn.weight"])] {
      let states = try (0..<2).map { _ in try ModelState(graph) }
      let count = states[0].parameters.count
      let shards = ParameterShards(parameterCount: count, trailingCount: states[0].reduced.count - count, rankCount: size)
      var sharded = exchange
      sharded.shards = shards
      let reducers = try zip(states, [exchange, sharded]).map {
        try GradientReducer($0, communicator: communicator, partition: partition, exchange: $1)
      }
      let shares = [ParameterShare([0..<count]), shards.share(ofRank: communicator.rank)]
      for step in 0..<2 {
        for index in 0..<2 { try takeStep(reducers[index], states[index], shares[index], partition, step) }
        for piece in shares[1].pieces + ParameterShare([count..<states[0].reduced.count]).pieces {
          for index in piece.range where states[0].reduced[index].bitPattern != states[1].reduced[index].bitPattern {
            throw ScenarioError("\(exchange.order) \(exchange.precision) \(partition): sum \(index)")
          }
        }
        for index in 0..<count where states[0].parameters[index].bitPattern != states[1].parameters[index].bitPattern {
          throw ScenarioError("\(exchange.order) \(exchange.precision) \(partition): parameter \(index)")
        }
      }
      let fraction = Double(shares[1].count) / Double(count) * Double(size)
      communicator.say("equal, \(fraction > 0.9 && fraction < 1.1 ? "one" : "\(fraction)") of \(size) parts")
    }
  }
}

/// One step of known numbers, and a plain update of a share.
private func takeStep(_ reducer: GradientReducer, _ state: ModelState, _ share: ParameterShare, _ partition: BatchPartition, _ step: Int) throws {
  for leaf in partition.microBatches {
    for index in 0..<state.reduced.count {
      let mixed = UInt64(truncatingIfNeeded: (step * 1000 + leaf) * 1_000_003 + index) &* 0x9E37_79B9_7F4A_7C15
      state.reduced[index] = Float(Int64(bitPattern: mixed) >> 24) * 1e-12
    }
    for completed in stride(from: 0, through: state.parameters.count, by: 9973) { reducer.advance(to: completed) }
    try reducer.finish()
  }
  SGD(of: share).step(state, rate: 0.5)
  try reducer.gatherParameters()
}
