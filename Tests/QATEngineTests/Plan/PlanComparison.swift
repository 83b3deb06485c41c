import QATEngine
import QATGraph
import QATTensor
import Testing

/// Runs a graph on the plan and on the plain kernels with the same random inputs and output gradients, and expects the same results.
func expectPlanMatchesPlainKernels(
  _ graph: Graph, batchSize: Int = 3, mode: Plan.Mode = .training, group: (any NormalizationGroup)? = nil, tolerance: Float = 2e-4,
  _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try graph.validated()
  let state = try ModelState(graph)
  let plan = try Plan(graph, state: state, batchSize: batchSize, mode: mode, group: group)
  var executor = try ReferenceExecutor<Float>(graph, batchSize: batchSize)
  var inputs: [TensorName: NDArray<Float>] = [:]
  for (index, input) in graph.inputs.enumerated() {
    let shape = input.type.shape(batchSize: batchSize)
    let values = randomFloats(shape.elementCount, seed: 100 + UInt64(index))
    inputs[input.name] = NDArray(values, shape: shape)
    _ = plan.input(input.name).update(fromContentsOf: values)
  }
  let expected = try executor.forward(inputs, mode: mode)
  // Twice: the second run must not see what the first one left in shared memory.
  for _ in 0..<2 { plan.forward() }
  for output in graph.outputs {
    expectClose(Array(plan.output(output)), try #require(expected[output]).elements, tolerance, "output \(output)", comment, sourceLocation)
  }
  guard mode == .training else { return }
  // A frozen batch norm says nothing of its batch.
  for slot in state.statisticSlots where executor.batchStatistics[slot.name] != nil {
    let batch = Array(state.batchStatistics[slot.range])
    expectClose(batch, try #require(executor.batchStatistics[slot.name]).elements, tolerance, "batch statistic \(slot.name)", comment, sourceLocation)
  }
  var upstream: [TensorName: NDArray<Float>] = [:]
  for (index, output) in graph.outputs.enumerated() {
    let shape = try #require(expected[output]).shape
    let values = randomFloats(shape.elementCount, seed: 200 + UInt64(index))
    upstream[output] = NDArray(values, shape: shape)
  }
  let gradients = try executor.backward(outputGradients: upstream)
  for _ in 0..<2 {
    plan.forward()
    for output in graph.outputs { _ = plan.outputGradient(output).update(fromContentsOf: try #require(upstream[output]).elements) }
    plan.backward()
  }
  for slot in state.parameterSlots {
    guard let gradient = gradients[slot.name] else { continue }
    expectClose(Array(state.gradients[slot.range]), gradient.elements, tolerance, "gradient \(slot.name)", comment, sourceLocation)
  }
}

/// Expects values to agree within `tolerance` of the largest one.
func expectClose(
  _ found: [Float], _ expected: [Float], _ tolerance: Float, _ what: String, _ comment: Comment?, _ sourceLocation: SourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  let scale = max(expected.map { abs($0) }.max() ?? 0, 1e-3)
  var worst = (index: 0, difference: Float(0))
  for (index, (a, b)) in zip(found, expected).enumerated() where !(abs(a - b) <= worst.difference) { worst = (index, abs(a - b)) }
  let message = "\(what): element \(worst.index) is \(found[worst.index]), expected \(expected[worst.index])"
  #expect(worst.difference <= tolerance * scale, "\(message) \(comment.map { "\($0)" } ?? "")", sourceLocation: sourceLocation)
}

/// Expects `compute` to give the same numbers on one, two and three threads.
func expectSameForAnyThreads<Found: Equatable>(_ compute: () throws -> Found, sourceLocation: SourceLocation = #_sourceLocation) rethrows {
  let before = EngineEnvironment.threadCount
  defer { EngineEnvironment.threadCount = before }
  let found = try [1, 2, 3].map { count in
    EngineEnvironment.threadCount = count
    return try compute()
  }
  #expect(found.allSatisfy { $0 == found[0] }, sourceLocation: sourceLocation)
}

/// Values in −1.5...1.5 from a counter-based generator.
func randomFloats(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Float(state >> 40) / Float(1 << 24) * 3 - 1.5
  }
}
