import QATCommunication
import QATData

/// Rank 0 prints what all ranks together have loaded: every batch's position, labels and first pixels, in rank order.
@Sendable func shardsScenario(_ communicator: any Communicator, _ arguments: [String]) throws {
  let dataset = try openDataset("synthetic:1,6,5,7,50", split: .train)
  try communicator.verifyEqual(dataset.contentHash, what: "the data")
  let loader = try BatchLoader(
    dataset: dataset, preprocessing: Preprocessing(mean: [0.5], std: [0.25], flip: true, cropPadding: 1), seed: 3,
    partition: BatchPartition(microBatchSize: 8 / communicator.size, rank: communicator.rank, rankCount: communicator.size))
  for _ in 0..<14 {
    let batch = try loader.next()
    let pixels = (0..<batch.count).map { batch.pixels[30 * $0 + 17] }
    let parts = try communicator.allgather(Array(zip(batch.labels, pixels).map { "\($0):\($1)" }.joined(separator: " ").utf8))
    let all = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    if communicator.isRoot { communicator.say("epoch \(batch.epoch) position \(batch.position): \(all)") }
  }
}
