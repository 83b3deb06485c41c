import Testing

extension ParallelTests {
  @Suite("The workflow on several ranks")
  struct Workflow {
    @Test("a loop by hand trains as fit does, alike on every rank", arguments: [2, 3])
    func loop(size: Int) throws {
      let run = try ParallelRun("workflow", "loop", ranks: size)
      #expect(run.exitCode == 0, "\(run.errors)")
      let root = try #require(run.lines[0])
      #expect(root.count == 2 && root[0] == root[1] && root[0].hasPrefix("steps \(2 * (96 / (8 * size))) "), "\(root)")
      for rank in 1..<size { #expect(run.lines[rank] == root, "rank \(rank)") }
    }

    @Test("a loop without distributed() is refused on every rank, with the remedy")
    func undistributed() throws {
      let run = try ParallelRun("workflow", "undistributed", ranks: 2)
      #expect(run.exitCode == 3)
      #expect(run.errors.contains("they have not agreed on its quantizers: call `try controller.distributed()` on every rank"), "\(run.errors)")
    }

    @Test("one rank's callback ends the run on all")
    func ending() throws {
      let run = try ParallelRun("workflow", "ending", ranks: 2)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(run.lines[0] == ["steps 12 early true"] && run.lines[1] == run.lines[0])
    }
  }
}
