import QATCommunication
import QATEngine
import QATGraph
import QATModels
import QATTensor
import QATTraining

/// A step of batch norm over ranks whose batches differ in size, beside the plain kernels in double precision on the batch of all ranks: prints `equal`, or how
/// far what differs most is from it, relative to the largest value of its tensor.
@Sendable func synchronizedBatchNormScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let graph = normalizedNetwork()
  let counts = (0..<communicator.size).map { 2 + $0 % 2 }
  let (own, total, first) = (counts[communicator.rank], counts.reduce(0, +), counts[..<communicator.rank].reduce(0, +))
  func values(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 7919 + seed * 104_729) % 2003) / 1000 - 1 } }
  let (pixels, upstream) = (values(total * 3 * 9 * 9, 1), values(total * 6, 2))

  var executor = try ReferenceExecutor<Double>(graph, batchSize: total)
  let expected = try executor.forward([graph.inputs[0].name: NDArray(pixels.map(Double.init), shape: [total, 3, 9, 9])], mode: .training)
  let gradients = try executor.backward(outputGradients: [graph.outputs[0]: NDArray(upstream.map(Double.init), shape: [total, 6])])

  let state = try ModelState(graph)
  let group = RankNormalization(.synchronized, communicator)
  let plan = try Plan(graph, state: state, batchSize: own, mode: .training, group: group)
  for _ in 0..<2 {
    _ = plan.input(graph.inputs[0].name).update(fromContentsOf: pixels[(first * 243)...].prefix(own * 243))
    plan.forward()
    _ = plan.outputGradient(graph.outputs[0]).update(fromContentsOf: upstream[(first * 6)...].prefix(own * 6))
    plan.backward()
    try group?.check()
  }
  var bits = UInt64(14_695_981_039_346_656_037)
  for value in state.batchStatistics { bits = (bits ^ UInt64(value.bitPattern)) &* 1_099_511_628_211 }
  try communicator.verifyEqual(bits, what: "the batch statistics")
  try communicator.allreduce(state.gradients, .sum)

  var worst = ("", 0.0)
  func compare(_ name: String, _ found: some Sequence<Float>, _ expected: some Sequence<Double>) {
    let scale = max(expected.reduce(0) { max($0, abs($1)) }, 1e-3)
    for (a, b) in zip(found, expected) where !(abs(Double(a) - b) / scale <= worst.1) { worst = (name, abs(Double(a) - b) / scale) }
  }
  let output = expected[graph.outputs[0]]?.elements ?? []
  compare("output", plan.output(graph.outputs[0]), output[(first * 6)...].prefix(own * 6))
  for slot in state.statisticSlots { compare(slot.name, state.batchStatistics[slot.range], executor.batchStatistics[slot.name]?.elements ?? []) }
  for slot in state.parameterSlots { compare(slot.name, state.gradients[slot.range], gradients[slot.name]?.elements ?? []) }
  communicator.say(worst.1 < 1e-5 ? "equal" : "\(worst.0) by \(worst.1)")
}

/// Batch norm in a blocked layout with a ReLU, without one, with channels that fill no block, and of a matrix.
///
/// Neither linear nor homogeneous from one batch norm to the next: otherwise that would take every effect of this one's gamma and beta away again.
private func normalizedNetwork() -> Graph {
  var b = NetworkBuilder(name: "normalized", input: [3, 9, 9], seed: 4)
  var x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1), "bn1"), "relu1")
  x = b.relu6(b.batchNormalization(b.convolution(x, "conv2", channels: 10, kernel: 3, stride: 2), "bn2"), "relu6")
  x = b.flatten(b.globalAveragePool(x, "gap"), "flatten")
  let scores = b.linear(b.batchNormalization(x, "bn3"), "fc", features: 6)
  var graph = b.graph(output: scores)
  for (name, constant) in graph.constants where constant.role == .parameter && constant.tensor.shape.count == 1 {
    let count = constant.tensor.shape[0]
    graph.constants[name]?.tensor = Tensor((0..<count).map { 0.5 + 0.25 * Float($0 % 4) }, shape: [count])
  }
  return graph
}
