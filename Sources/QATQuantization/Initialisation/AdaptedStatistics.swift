import QATCommunication
import QATEngine
import QATGraph
import QATTensor

/// Batch norm's running statistics, adapted to the quantized network: its batches move them with their normal momentum, nothing else changes.
///
/// Whole batches are dealt to the ranks in turn and their statistics applied in the order of the batches: every rank gets the same, for every number of
/// ranks. The number of samples is rounded up to whole batches as far as the source has them; of what it has, samples that do not fill a batch are left
/// out, unless there is no full one. Dropout does not drop. Source: NNCF 2.14, batch norm adaptation.
/// - Parameters:
///   - graph: the quantized network with its current values.
///   - sampleCount: how many samples to use; 0 changes nothing.
///   - calibration: the samples.
///   - batchSize: samples in a batch, on whichever rank.
///   - communicator: the ranks.
/// - Returns: the new running statistics by name; empty when there are none or no samples.
/// - Throws: `QuantizationError` when a statistic is not finite; what the samples, the engine or the communicator throw.
func adaptedStatistics(
  of graph: Graph, sampleCount: Int, calibration: any BatchSource, batchSize: Int, communicator: any Communicator
) throws -> [TensorName: Tensor] {
  let available = min(roundedUp(sampleCount, toMultipleOf: batchSize), calibration.sampleCount)
  let state = try ModelState(graph)
  guard available > 0, state.statistics.count > 0 else { return [:] }
  let size = min(batchSize, available)
  let batchCount = available / size
  let plan = try communicator.together { try Plan(graph.withoutDropout, state: state, batchSize: size, mode: .training) }
  var own: [Float] = []
  try communicator.inRounds((batchCount + communicator.size - 1) / communicator.size) { round in
    let batch = round * communicator.size + communicator.rank
    guard batch < batchCount else { return }
    for input in graph.inputs { try calibration.read(batch * size..<(batch + 1) * size, input: input.name, into: plan.input(input.name)) }
    plan.forward()
    own += state.batchStatistics
  }
  let all = try communicator.allgather(own.withUnsafeBytes { Array($0) }).map { bytes in
    bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
  let count = state.statistics.count
  for batch in 0..<batchCount {
    let start = batch / communicator.size * count
    _ = state.batchStatistics.update(fromContentsOf: all[batch % communicator.size][start..<start + count])
    state.updateStatistics()
  }
  for slot in state.statisticSlots where !state.statistics.elements[slot.range].allSatisfy(\.isFinite) {
    throw QuantizationError(
      "the adaptation of batch norm made '\(slot.name)' infinite or NaN. Check the model's weights and the data's normalisation")
  }
  let tensors = state.tensors()
  return Dictionary(uniqueKeysWithValues: state.statisticSlots.compactMap { slot in tensors[slot.name].map { (slot.name, $0) } })
}

extension Graph {
  /// The network with its dropouts as identities.
  var withoutDropout: Graph {
    var result = self
    for index in nodes.indices where nodes[index].op is Dropout { result.nodes[index].op = Identity() }
    return result
  }
}
