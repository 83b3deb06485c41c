import QATCommunication
import QATEngine
import QATModels
import QATTraining

/// Sums known numbers over ranks in bfloat16, infinities and NaN among them, and compares every bit with the rule written down plainly: parts rounded, added in float32
/// in rank order, rounded once. What is to travel as it is, statistics and the trailer are whole numbers, whose sums are exact.
@Sendable func compressedSumsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  var b = NetworkBuilder(name: "sums", input: [3, 10, 10], seed: 1)
  let normalized = b.batchNormalization(b.convolution(b.input, "conv", channels: 20, kernel: 3, pad: 1), "bn")
  let scores = b.linear(b.flatten(normalized, "flatten"), "fc", features: 7)
  let graph = b.graph(output: scores)
  let state = try ModelState(graph)
  let exact = Set(state.parameterSlots.map(\.name).filter { $0.hasPrefix("bn") })
  let isExact = (0..<state.reduced.count).map { index in
    index >= state.parameters.count || state.parameterSlots.contains { exact.contains($0.name) && $0.range.contains(index) }
  }
  func value(_ rank: Int, _ step: Int, _ index: Int) -> Float {
    let mixed = UInt64(truncatingIfNeeded: (step * 1000 + rank) * 1_000_003 + index) &* 0x9E37_79B9_7F4A_7C15
    if isExact[index] { return Float(mixed >> 48) }
    if index % 1009 == 5 { return rank == 0 ? .infinity : 1 }
    if index % 1009 == 6 { return rank == communicator.size - 1 ? .nan : 1 }
    return Float(Int64(bitPattern: mixed) >> 24) * (index % 3 == 0 ? 1e-12 : 1e-6)
  }
  for (first, middle, last) in [(1000, 5000, 300), (1 << 18, 1 << 21, 1 << 16), (16, 100_000, 0)] {
    let buckets = GradientBuckets(
      parameterCount: state.parameters.count, trailingCount: state.reduced.count - state.parameters.count, first: first, middle: middle, last: last,
      isTrailingApart: true)
    let reducer = try GradientReducer(
      state, communicator: communicator, exchange: GradientExchange(precision: .bfloat16, exact: exact), buckets: buckets)
    for step in 0..<2 {
      for index in 0..<state.reduced.count { state.reduced[index] = value(communicator.rank, step, index) }
      for completed in stride(from: 0, through: state.parameters.count, by: 997) { reducer.advance(to: completed) }
      try reducer.finish()
      let statistics = state.parameters.count..<state.parameters.count + state.statistics.count
      for index in 0..<state.reduced.count {
        let parts = (0..<communicator.size).map { value($0, step, index) }
        let mean = statistics.contains(index) ? 1 / Float(communicator.size) : 1
        let sum = isExact[index] ? parts.reduce(0, +) * mean : nearestHalf(parts.dropFirst().reduce(nearestHalf(parts[0])) { $0 + nearestHalf($1) })
        guard state.reduced[index].bitPattern == sum.bitPattern || state.reduced[index].isNaN && sum.isNaN else {
          throw ScenarioError("step \(step), element \(index): \(state.reduced[index]), expected \(sum)")
        }
      }
    }
    communicator.say("\(buckets.ranges.count) buckets agree")
  }
}

/// The nearest number with eight bits of precision, ties to even, by comparing the two candidates.
private func nearestHalf(_ value: Float) -> Float {
  guard value.isFinite else { return value }
  let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
  let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) + 0x1_0000)
  let (toBelow, toAbove) = (abs(Double(value) - Double(below)), abs(Double(above) - Double(value)))
  return toBelow == toAbove ? (below.bitPattern & 0x1_0000 == 0 ? below : above) : toBelow < toAbove ? below : above
}
