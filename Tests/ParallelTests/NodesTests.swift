import Foundation
import Testing
import VirtualNodes

extension ParallelTests {
  @Suite("Across nodes")
  struct Nodes {
    /// The losses of a run's steps, as text, and the tensors of its newest checkpoint.
    private struct Outcome: Equatable {
      var losses: [Substring]
      var tensors: [String: Data]

      init(_ folder: String) throws {
        let log = try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8)
        losses = log.matches(of: /"loss": *([^,}]+)/).map(\.output.1)
        let step = try #require(FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("step-") }.max())
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(step)").filter { $0.hasSuffix(".safetensors") }
        tensors = try Dictionary(
          uniqueKeysWithValues: files.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(step)/\($0)"))) })
      }
    }

    @Test("ranks of a hostfile run on its nodes, and know which one", arguments: [(2, 1), (2, 2), (4, 1)])
    func hostfile(nodes: Int, ranksPerNode: Int) throws {
      try VirtualCluster.with(nodes: nodes) { cluster in
        #expect(
          try String(contentsOfFile: cluster.hostfile(ranksPerNode: ranksPerNode), encoding: .utf8)
            == (0..<nodes).map { "q\($0) slots=\(ranksPerNode)\n" }.joined())
        let run = try ParallelRun("who", "node", ranks: nodes * ranksPerNode, on: cluster, ranksPerNode: ranksPerNode)
        #expect(run.exitCode == 0, "\(run.errors)")
        for rank in 0..<nodes * ranksPerNode {
          #expect(run.lines[rank] == ["\(rank) of \(nodes * ranksPerNode) MPICommunicator on q\(rank / ranksPerNode)"])
        }
      }
    }

    @Test("training gives the bytes of the same ranks on one node, over TCP", arguments: [(2, 1), (2, 2), (4, 1)])
    func training(nodes: Int, ranksPerNode: Int) throws {
      let ranks = nodes * ranksPerNode
      let root = FileManager.default.temporaryDirectory.appendingPathComponent("qat-nodes-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: root) }
      let steps = 20
      let one = try ParallelRun("training", "\(root)/one", "32", "\(steps)", "quantized", ranks: ranks)
      #expect(one.exitCode == 0, "\(one.errors)")
      try VirtualCluster.with(nodes: nodes) { cluster in
        let before = try cluster.bytesSent()
        let several = try ParallelRun(
          "training", "\(root)/several", "32", "\(steps)", "quantized", ranks: ranks, on: cluster, ranksPerNode: ranksPerNode)
        #expect(several.exitCode == 0, "\(several.errors)")
        #expect(several.lines == one.lines)
        let (expected, found) = (try Outcome("\(root)/one"), try Outcome("\(root)/several"))
        #expect(expected.losses.count >= steps && !expected.tensors.isEmpty)
        #expect(found == expected)
        // However the ranks share the work, every node sends its part of nearly 5000 gradients, and as many sums, in every step.
        let sent = zip(try cluster.bytesSent(), before).map { $0 - $1 }
        #expect(sent.allSatisfy { $0 > steps * 5000 * MemoryLayout<Float>.size / 2 }, "\(sent) bytes")
      }
    }
  }
}
