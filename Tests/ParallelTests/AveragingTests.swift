import Foundation
import Testing

extension ParallelTests {
  /// What is done with a step's gradient and parameters after they were summed: the same on every rank.
  @Suite("Clipped gradients and averaged weights over ranks")
  struct Averaging {
    /// Trains in parts, each with its number of ranks, and gives every file of the last checkpoint, and the evaluation that every rank has.
    private func train(_ parts: [(ranks: Int?, steps: Int)], _ how: String = "whole", limit: Double, decay: Double) throws -> (
      files: [String: Data], evaluation: String
    ) {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-averaging-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var evaluation = ""
      for part in parts {
        let run = try ParallelRun("averaging", folder, "\(limit)", "\(decay)", "\(part.steps)", how, ranks: part.ranks)
        #expect(run.exitCode == 0, "\(run.errors)")
        evaluation = try #require(run.lines[0]?.first)
        #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<(part.ranks ?? 1)).map { ($0, [evaluation]) }))
      }
      return (try newestCheckpoint(in: folder), evaluation)
    }

    @Test("every number of ranks gives the bytes of one, also when the run goes on with another number")
    func ranks() throws {
      let one = try train([(nil, 9)], limit: 0.2, decay: 0.8)
      for parts in [[(2, 9)], [(3, 9)], [(4, 9)], [(2, 4), (3, 9)]] as [[(ranks: Int?, steps: Int)]] {
        let several = try train(parts, limit: 0.2, decay: 0.8)
        #expect(several.evaluation == one.evaluation, "\(parts)")
        #expect(several.files.filter { one.files[$0.key] != $0.value }.keys.sorted() == [], "\(parts)")
      }
      for ranks in [2, 3] { #expect(try train([(ranks, 9)], "sharded", limit: 0.2, decay: 0.8).files == one.files, "\(ranks) shards") }
      // Both have an effect: the norm is above the limit, and the model is not that of the last step.
      let model = "step-000000009/model.safetensors"
      for other in [try train([(nil, 9)], limit: 1e6, decay: 0.8), try train([(nil, 9)], limit: 0.2, decay: 0.1)] {
        #expect(other.files[model] != nil && other.files[model] != one.files[model])
      }
    }
  }
}
