import Testing

extension ParallelTests {
  @Suite("Reproducible sums")
  struct ReproducibleSums {
    /// Fewer ranks than shards, as many, and numbers that do not divide the shards; shards that are no power of two.
    @Test(
      "sums have the bits of one balanced tree, for every number of ranks and all bucket sizes",
      arguments: [(8, 1), (8, 2), (8, 3), (8, 4), (8, 5), (8, 7), (8, 8), (6, 4), (7, 3), (5, 5)])
    func bits(shards: Int, ranks: Int) throws {
      let run = try ParallelRun("reproducible-sums", "\(shards)", "1", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      let expected = ["7 buckets agree", "1 buckets agree", "13 buckets agree"]
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<ranks).map { ($0, expected) }))
    }

    @Test("micro-batches of a shard are leaves of the same tree", arguments: [(4, 3, 3), (3, 5, 2), (1, 6, 1)])
    func accumulated(shards: Int, steps: Int, ranks: Int) throws {
      let run = try ParallelRun("reproducible-sums", "\(shards)", "\(steps)", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.lines.count == ranks)
    }
  }
}
