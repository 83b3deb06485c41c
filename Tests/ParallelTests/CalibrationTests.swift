import Testing

extension ParallelTests {
  @Suite("Calibration")
  struct Calibration {
    @Test("ranges of every kind and batch norm statistics are the same bits for every number of ranks")
    func rankCounts() throws {
      let alone = try ParallelRun("calibration", ranks: nil)
      #expect(alone.exitCode == 0, "\(alone.errors)")
      let expected = try #require(alone.lines[0])
      #expect(expected.count == 8 && expected.allSatisfy { $0.contains("quantizers") && !$0.contains(" 0 tensors") })
      #expect(Set(expected).count == expected.count)
      for size in [2, 3, 4] {
        let run = try ParallelRun("calibration", ranks: size)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<size { #expect(run.lines[rank] == expected, "rank \(rank) of \(size)") }
      }
    }

    @Test("a value that is not finite is named with its rank and sample, and ends all ranks")
    func broken() throws {
      // Sample 37 is in the third batch of 16.
      let run = try ParallelRun("calibration", "broken", ranks: 3)
      #expect(run.exitCode == 1)
      #expect(run.errors.contains("error: rank 2 (node "))
      #expect(
        run.errors.contains("quantizer 'input|OUTPUT': the tensor 'input' holds the value nan for calibration sample 37 (sample "), "\(run.errors)")
      #expect(run.lines.values.allSatisfy { $0.isEmpty })
    }
  }
}
