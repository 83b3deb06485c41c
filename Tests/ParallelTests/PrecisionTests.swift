import Testing

extension ParallelTests {
  @Suite("Bit widths by curvature")
  struct Precision {
    @Test("traces and bit widths are the same bits for every number of ranks, more than there are batches too")
    func rankCounts() throws {
      let alone = try ParallelRun("precision", ranks: nil)
      #expect(alone.exitCode == 0, "\(alone.errors)")
      let expected = try #require(alone.lines[0])
      #expect(expected.count == 2 && expected.allSatisfy { $0.contains("probes") })
      for size in [2, 3, 4] {
        let run = try ParallelRun("precision", ranks: size)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<size { #expect(run.lines[rank] == expected, "rank \(rank) of \(size)") }
      }
    }
  }
}
