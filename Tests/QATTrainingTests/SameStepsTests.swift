import QATData
import Testing

@testable import QATTraining

/// What is said to whoever goes on with other numbers: following it must give the steps of the checkpoint.
@Suite("The same steps with other ranks")
struct SameStepsTests {
  @Test(
    "are named as batch size and accumulation steps, with micro-batches no larger than now",
    arguments: [
      (samples: 32, ranks: 1, now: 16, batch: 16, steps: 2), (samples: 32, ranks: 2, now: 32, batch: 16, steps: 1),
      (samples: 96, ranks: 4, now: 32, batch: 24, steps: 1), (samples: 96, ranks: 2, now: 20, batch: 16, steps: 3),
      (samples: 64, ranks: 64, now: 8, batch: 1, steps: 1),
    ])
  func named(samples: Int, ranks: Int, now: Int, batch: Int, steps: Int) {
    let remedy = BatchPartition(microBatchSize: now, rankCount: ranks).remedy(forStepsOf: samples)
    #expect(remedy.hasPrefix("For the same steps say --batch-size \(batch) --accumulation-steps \(steps)"))
    #expect(BatchPartition(microBatchSize: batch, accumulationSteps: steps, rankCount: ranks).globalBatchSize == samples)
    #expect(remedy.contains("or --batch-size \(batch * steps) --accumulation-steps 1") == (steps > 1))
  }

  @Test("cannot be made by every number of ranks: those that can are named")
  func impossible() {
    let remedy = BatchPartition(microBatchSize: 32, rankCount: 3).remedy(forStepsOf: 64)
    #expect(remedy == "64 samples cannot be dealt to 3 ranks alike: start as many as divides them (1, 2, 4)")
    #expect(BatchPartition(microBatchSize: 32, shardCount: 5, rankCount: 2).remedy(forStepsOf: 64).contains("dealt to 5 shards alike"))
  }
}
