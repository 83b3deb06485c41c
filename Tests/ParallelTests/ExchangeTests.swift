import Foundation
import Testing

extension ParallelTests {
  /// What travels in half the bytes, and what stays with its owner.
  @Suite("Exchange of gradients")
  struct Exchange {
    @Test("gradients in bfloat16 are rounded, added in rank order in float32, and rounded once", arguments: [2, 3, 4])
    func compressed(ranks: Int) throws {
      let run = try ParallelRun("compressed-sums", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      let expected = ["8 buckets agree", "2 buckets agree", "14 buckets agree"]
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<ranks).map { ($0, expected) }))
    }

    @Test("sums and updates by shards have the bits of those of everything, with one share of the memory", arguments: 2...8)
    func sharded(ranks: Int) throws {
      let run = try ParallelRun("sharded-sums", ranks: ranks)
      #expect(run.exitCode == 0, "\(run.errors)")
      let expected = [String](repeating: "equal, one of \(ranks) parts", count: 9)
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<ranks).map { ($0, expected) }))
    }

    /// Trains in one or two parts, each sharded or not, and gives every file of the last checkpoint.
    private func train(
      _ parts: [(how: String, steps: Int)], _ optimizer: String, precision: String = "float32", clipsTo norm: Double = 0, ranks: Int
    ) throws -> [String: Data] {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-exchange-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      for part in parts {
        let run = try ParallelRun("exchange-training", folder, optimizer, part.how, precision, "\(part.steps)", "\(norm)", ranks: ranks)
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<ranks).map { ($0, ["steps \(part.steps)"]) }))
      }
      return try newestCheckpoint(in: folder)
    }

    @Test("a sharded optimizer changes no byte of a checkpoint", arguments: [(2, "SGD"), (3, "AdamW"), (4, "SGD")])
    func shardedTraining(ranks: Int, optimizer: String) throws {
      let whole = try train([("whole", 6)], optimizer, ranks: ranks)
      #expect(try train([("sharded", 6)], optimizer, ranks: ranks) == whole)
    }

    @Test("a run goes on with a sharded optimizer from one that was not, and the other way round", arguments: ["SGD", "AdamW"])
    func resharded(optimizer: String) throws {
      let whole = try train([("whole", 6)], optimizer, ranks: 2)
      #expect(try train([("whole", 3), ("sharded", 6)], optimizer, ranks: 2) == whole)
      #expect(try train([("sharded", 3), ("whole", 6)], optimizer, ranks: 2) == whole)
    }

    @Test("a clipped gradient has the norm of all shards, to the byte", arguments: [2, 3, 4])
    func shardedClipping(ranks: Int) throws {
      let whole = try train([("whole", 6)], "SGD", clipsTo: 0.05, ranks: ranks)
      #expect(try train([("sharded", 6)], "SGD", clipsTo: 0.05, ranks: ranks) == whole)
      // Of the files of checkpoints, the state says what was configured.
      let model = "step-000000006/model.safetensors"
      #expect(try train([("whole", 6)], "SGD", ranks: ranks)[model] != whole[model])
    }

    @Test("with gradients in bfloat16 as well")
    func shardedCompressed() throws {
      let whole = try train([("whole", 6)], "SGD", precision: "bfloat16", ranks: 3)
      #expect(try train([("sharded", 6)], "SGD", precision: "bfloat16", ranks: 3) == whole)
      #expect(try train([("whole", 6)], "SGD", ranks: 3) != whole)
    }
  }
}
