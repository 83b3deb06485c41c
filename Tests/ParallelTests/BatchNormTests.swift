import Testing

extension ParallelTests {
  @Suite("Batch norm over ranks")
  struct BatchNorm {
    @Test("outputs, statistics and gradients are those of one process with the batches of all ranks", arguments: [2, 3, 4])
    func equalsOneProcess(_ ranks: Int) throws {
      let run = try ParallelRun("synchronized-batch-norm", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<ranks { #expect(run.lines[rank] == ["equal"], "rank \(rank)") }
    }

    @Test("gradients through the statistics of all ranks are the slopes of the loss of all ranks", arguments: [2, 4])
    func slopes(_ ranks: Int) throws {
      let run = try ParallelRun("synchronized-gradient", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<ranks { #expect(run.lines[rank] == ["equal", "others by themselves"], "rank \(rank)") }
    }
  }
}
