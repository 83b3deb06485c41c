import Testing

extension ParallelTests {
  @Suite("Quantizers on several ranks")
  struct Quantizers {
    @Test("distributed quantizers are rank 0's on every rank", arguments: [2, 4])
    func distributed(size: Int) throws {
      let run = try ParallelRun("quantizers", "same", ranks: size)
      #expect(run.exitCode == 0, "\(run.errors)")
      let root = try #require(run.lines[0])
      #expect(root.count == 3)
      #expect(root[0].dropFirst("before".count) == root[2].dropFirst("after".count))
      for rank in 1..<size {
        #expect(run.lines[rank]?.first != root[0], "rank \(rank) started from other weights")
        #expect(run.lines[rank]?.suffix(2) == ["steps 2", root[2]], "rank \(rank)")
      }
    }

    @Test("a rank that places other quantizers is named before anything runs", arguments: [2, 3])
    func different(size: Int) throws {
      let run = try ParallelRun("quantizers", "different", ranks: size)
      #expect(run.exitCode == 3)
      #expect(run.errors.contains("the quantizer setup differs between ranks: rank \(size - 1) "))
      #expect(run.lines.values.allSatisfy { $0.isEmpty })
    }

    @Test("training without distributed() is refused on every rank, with the remedy", arguments: [2, 3])
    func undistributed(size: Int) throws {
      let run = try ParallelRun("quantizers", "undistributed", ranks: size)
      #expect(run.exitCode == 3)
      #expect(run.ownErrors.count == 1)
      #expect(run.errors.contains("\(size) ranks are to train the network 'tiny' together, but they have not agreed on its quantizers: call"))
      #expect(run.lines.values.allSatisfy { $0.count == 1 })
    }
  }
}
