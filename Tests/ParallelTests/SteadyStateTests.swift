import Testing

extension ParallelTests {
  @Suite("Steady state")
  struct SteadyState {
    @Test(
      "a hundred whole steps allocate nothing of ours and leave resident memory flat",
      arguments: [(1, "plain"), (2, "plain"), (2, "tree"), (2, "synchronized+bfloat16"), (2, "sharded+clipped"), (2, "sharded+bfloat16")])
    func steps(_ ranks: Int, options: String) throws {
      let run = try ParallelRun("steady-state", options, ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<ranks {
        let lines = try #require(run.lines[rank])
        // Without optimisation Swift itself boxes generic values: the promise is about what users run.
        #if !DEBUG
          #expect(lines[0] == "allocations 0", "rank \(rank)")
        #endif
        let growth = try #require(lines.last?.split(separator: " ").last.flatMap { Int($0) })
        #expect(growth < 512, "rank \(rank) grew by \(growth) KiB")
      }
    }
  }
}
