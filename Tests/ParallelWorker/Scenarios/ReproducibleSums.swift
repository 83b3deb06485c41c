import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTraining

/// Sums micro-batches of known numbers over ranks in the tree's order, and compares every bit with the tree written down plainly.
/// Arguments: shards, accumulation steps.
@Sendable func reproducibleSumsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let numbers = arguments.compactMap { Int($0) }
  guard numbers.count == 2 else { throw ScenarioError("shards, accumulation steps") }
  var b = NetworkBuilder(name: "sums", input: [3, 10, 10], seed: 1)
  let normalized = b.batchNormalization(b.convolution(b.input, "conv", channels: 20, kernel: 3, pad: 1), "bn")
  let scores = b.linear(b.flatten(normalized, "flatten"), "fc", features: 7)
  let state = try ModelState(b.graph(output: scores))
  let partition = BatchPartition(
    microBatchSize: 1, shardCount: numbers[0], accumulationSteps: numbers[1], rank: communicator.rank, rankCount: communicator.size)
  let trailing = state.reduced.count - state.parameters.count
  for (first, middle, last) in [(1000, 5000, 300), (1 << 18, 1 << 21, 1 << 16), (16, 100_000, 0)] {
    let buckets = GradientBuckets(parameterCount: state.parameters.count, trailingCount: trailing, first: first, middle: middle, last: last)
    try check(
      GradientReducer(state, communicator: communicator, partition: partition, exchange: .init(order: .tree), buckets: buckets), state, partition)
    communicator.say("\(buckets.ranges.count) buckets agree")
  }
}

private func check(_ reducer: GradientReducer, _ state: ModelState, _ partition: BatchPartition) throws {
  for step in 0..<3 {
    func value(_ leaf: Int, _ index: Int) -> Float {
      let mixed = UInt64(truncatingIfNeeded: (step * 1000 + leaf) * 1_000_003 + index) &* 0x9E37_79B9_7F4A_7C15
      return Float(Int64(bitPattern: mixed) >> 24) * (index % 3 == 0 ? 1e-12 : 1e-6)
    }
    for leaf in partition.microBatches {
      for index in 0..<state.reduced.count { state.reduced[index] = value(leaf, index) }
      for completed in stride(from: 0, through: state.parameters.count, by: 997) { reducer.advance(to: completed) }
      guard try reducer.finish() == (leaf == partition.microBatches.upperBound - 1) else { throw ScenarioError("the step ends at another leaf") }
    }
    /// The sum of leaves start..<start + size, as far as they exist.
    func tree(_ start: Int, _ size: Int, _ index: Int) -> Float? {
      guard start < partition.microBatchCount else { return nil }
      if size == 1 { return value(start, index) }
      let (left, right) = (tree(start, size / 2, index), tree(start + size / 2, size / 2, index))
      return right.map { (left ?? 0) + $0 } ?? left
    }
    let statistics = state.parameters.count..<state.parameters.count + state.statistics.count
    for index in 0..<state.reduced.count {
      let mean = statistics.contains(index) ? 1 / Float(partition.microBatchCount) : 1
      let expected = (tree(0, 64, index) ?? 0) * mean
      guard state.reduced[index].bitPattern == expected.bitPattern else {
        throw ScenarioError("step \(step), element \(index): \(state.reduced[index]), expected \(expected)")
      }
    }
  }
}
