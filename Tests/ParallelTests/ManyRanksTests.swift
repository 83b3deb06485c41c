import Foundation
import Testing
import VirtualNodes

extension ParallelTests {
  @Suite("Many ranks")
  struct ManyRanks {
    @Test("many more ranks than cores train to the end and agree", arguments: [16, 32])
    func oversubscribed(ranks: Int) throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-many-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let run = try ParallelRun("training", folder, "64", "6", "quantized", ranks: ranks, timeout: 240)
      #expect(run.exitCode == 0, "\(run.errors)")
      let first = try #require(run.lines[0]?.first)
      #expect(first.hasPrefix("steps 6 ") && first.hasSuffix("count 99"))
      #expect(run.lines == Dictionary(uniqueKeysWithValues: (0..<ranks).map { ($0, [first]) }))
    }

    @Test("so do sixteen ranks on four nodes")
    func acrossNodes() throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-many-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try VirtualCluster.with(nodes: 4) { cluster in
        let run = try ParallelRun("training", folder, "64", "6", "quantized", ranks: 16, on: cluster, ranksPerNode: 4, timeout: 240)
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.lines.count == 16 && Set(run.lines.values).count == 1, "\(run.lines)")
      }
    }
  }
}
