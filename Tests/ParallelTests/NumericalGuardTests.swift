import Testing

extension ParallelTests {
  @Suite("Numbers that are not finite")
  struct NumericalGuard {
    @Test("a poisoned sample on one rank skips its step on all ranks alike, and is named with its rank", arguments: [1, 2, 4])
    func oneSample(size: Int) throws {
      let run = try ParallelRun("poisoned-sample", "1", "10", ranks: size)
      #expect(run.exitCode == 0, "\(run.errors)")
      for rank in 0..<size {
        #expect(run.lines[rank] == ["\(160 / 8 / size) steps, 1 skipped, finite true, evaluated true", "1 different parameters"], "rank \(rank)")
      }
      let warnings = run.errors.split(separator: "\n").filter { $0.contains("is skipped, 1 of fewer than 10 in a row: rank ") }
      #expect(warnings.count == 1 && warnings[0].contains("sample 0 of the training data holds values that are not finite"), "\(run.errors)")
    }

    /// However the sum is made, every rank finds it not finite and none takes the step; a sum that is just finite is taken.
    @Test(
      "gradients that are finite on every rank, but not in the sum, skip the step on all ranks and are named with their layer",
      arguments: [("library", 2), ("tree", 1), ("tree", 2), ("sharded", 2), ("bfloat16", 2), ("accumulated", 1)])
    func overflowingSum(exchange: String, size: Int) throws {
      for (greatest, skipped) in [("1.3", 1), ("0.9", 0)] {
        let run = try ParallelRun("overflowing-sum", exchange, greatest, ranks: size)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<size { #expect(run.lines[rank] == ["1 steps, \(skipped) skipped, finite true", "1 different parameters"], "rank \(rank)") }
        let warnings = run.errors.split(separator: "\n").filter {
          $0.hasSuffix("the gradient of 'fc1.weight' is finite in every part of the step, but not in their sum")
        }
        #expect(warnings.count == skipped, "\(run.errors)")
      }
    }

    @Test("too many such steps in a row end all ranks with 5 and the cause", arguments: [1, 2])
    func bounded(size: Int) throws {
      let run = try ParallelRun("poisoned-sample", "160", "3", ranks: size)
      #expect(run.exitCode == (size == 1 ? 1 : 5))
      #expect(run.errors.contains("step 3 cannot be made, like the 2 before it"))
      #expect(run.errors.contains("of the training data holds values that are not finite, with the samples at"))
      #expect(run.lines.isEmpty)
    }
  }
}
