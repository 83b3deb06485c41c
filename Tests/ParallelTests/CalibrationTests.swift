import Testing

extension ParallelTests {
  @Suite("Calibration")
  struct Calibration {
    @Test("ranges and batch norm statistics are the same bits for every number of ranks")
    func rankCounts() throws {
      let alone = try ParallelRun("calibration", ranks: nil)
      #expect(alone.exitCode == 0, "\(alone.errors)")
      let expected = try #require(alone.lines[0])
      #expect(expected.count == 2 && expected.allSatisfy { $0.contains("quantizers") && !$0.contains(" 0 tensors") })
      for size in [2, 3, 4] {
        let run = try ParallelRun("calibration", ranks: size)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<size { #expect(run.lines[rank] == expected, "rank \(rank) of \(size)") }
      }
    }
  }
}
