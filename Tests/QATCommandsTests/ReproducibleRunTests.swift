import Foundation
import QAT
import Testing
import VirtualNodes

extension ToolTests {
  /// A quantized network with batch norm, trained with `--reproducible`: the same bytes, whatever the number of ranks.
  @Suite struct ReproducibleRunTests {
    /// 96 samples are six steps of eight shards, or eight steps of six, of two samples each.
    private static let line = "train --config int8.json --data synthetic:1,28,28,10,96"

    /// What a run leaves that must not depend on ranks: every file of its newest checkpoint, the exported file, and the metrics without times and speeds.
    private struct Outcome: Equatable {
      var files: [String: Data] = [:]
      var metrics: [String] = []

      init(_ name: String, in folder: Scratch) throws {
        files["export"] = try folder.bytes("\(name).onnx")
        let run = folder.url(name).path
        let newest = try #require(try FileManager.default.contentsOfDirectory(atPath: run).filter { $0.hasPrefix("step-") }.max())
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(run)/\(newest)") {
          files["\(newest)/\(file)"] = try folder.bytes("\(name)/\(newest)/\(file)")
        }
        for line in try String(contentsOfFile: "\(run)/metrics.jsonl", encoding: .utf8).split(separator: "\n") {
          let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
          let lasting = entry.filter { !$0.key.contains("second") }
          metrics.append(String(decoding: try JSONSerialization.data(withJSONObject: lasting, options: .sortedKeys), as: UTF8.self))
        }
      }

      /// What differs, by name: the bytes themselves would fill the screen.
      func differences(from other: Outcome) -> [String] {
        let names = Set(files.keys).union(other.files.keys).filter { files[$0] != other.files[$0] }.sorted()
        return names + (metrics == other.metrics ? [] : ["metrics: \(metrics) and \(other.metrics)"])
      }
    }

    private func train(
      _ name: String, _ options: String, in folder: Scratch, ranks: Int?, through: [String] = [], on cluster: VirtualCluster? = nil,
      ranksPerNode: Int = 1
    ) throws {
      let run = try ToolRun(
        "\(Self.line) --checkpoint-dir \(name) --export \(name).onnx --batch-size 2 \(options)", in: folder, through: through, ranks: ranks,
        on: cluster,
        ranksPerNode: ranksPerNode)
      try #require(run.exitCode == 0, "\(name): \(run.errors)")
    }

    /// Seven and five ranks divide neither the shards nor the buckets.
    @Test func aRunOfEightShardsIsTheSameForEveryNumberOfRanks() throws {
      let folder = try Scratch()
      try train("alone", "--reproducible 8", in: folder, ranks: nil)
      let expected = try Outcome("alone", in: folder)
      #expect(expected.files.count >= 5 && expected.metrics.count == 7)
      for ranks in 1...8 {
        try train("on\(ranks)", "--reproducible 8", in: folder, ranks: ranks)
        #expect(try Outcome("on\(ranks)", in: folder).differences(from: expected) == [], "\(ranks) ranks")
      }
      // Other pieces, and another way between the ranks.
      try train("pieces", "--reproducible 8", in: folder, ranks: 3, through: ["env", "QAT_BUCKET_KIB=16,100,0"])
      try train("tcp", "--reproducible 8", in: folder, ranks: 4, through: ["env", "OMPI_MCA_btl=self,tcp"])
      for name in ["pieces", "tcp"] { #expect(try Outcome(name, in: folder).differences(from: expected) == [], "\(name)") }
      // Going on with other numbers of ranks.
      for (ranks, steps) in [(8, 2), (3, 4), (1, 6)] {
        try train("resumed", "--reproducible 8 --resume auto --max-steps \(steps)", in: folder, ranks: ranks)
      }
      let resumed = try Outcome("resumed", in: folder)
      #expect(resumed.files == expected.files)
    }

    @Test func aRunAcrossNodesHasTheBitsOfOneProcess() throws {
      let folder = try Scratch()
      try train("alone", "--reproducible 8", in: folder, ranks: nil)
      let expected = try Outcome("alone", in: folder)
      // A rank a node; nodes that share the ranks unevenly, in other pieces; and going on from there in pieces of one more size.
      try VirtualCluster.with(nodes: 3) { cluster in
        let before = try cluster.bytesSent()
        try train("nodes", "--reproducible 8", in: folder, ranks: 3, on: cluster)
        #expect(zip(try cluster.bytesSent(), before).allSatisfy { $0 > $1 + 1_000_000 }, "the nodes have talked to each other")
        try train(
          "pieces", "--reproducible 8 --max-steps 3", in: folder, ranks: 5, through: ["env", "QAT_BUCKET_KIB=16,100,0"], on: cluster, ranksPerNode: 2)
        try train(
          "pieces", "--reproducible 8 --resume auto", in: folder, ranks: 2, through: ["env", "QAT_BUCKET_KIB=40,40,8"], on: cluster)
      }
      #expect(try Outcome("nodes", in: folder).differences(from: expected) == [])
      #expect(try Outcome("pieces", in: folder).files == expected.files)
    }

    @Test func shardsNeedNotBeAPowerOfTwoAndMayHaveSeveralMicroBatches() throws {
      let folder = try Scratch()
      for (shards, steps) in [(6, 1), (3, 2)] {
        let options = "--reproducible \(shards) --accumulation-steps \(steps)"
        try train("alone\(shards)", options, in: folder, ranks: nil)
        for ranks in Set([2, shards - 1]) {
          let name = "\(shards)on\(ranks)"
          try train(name, options, in: folder, ranks: ranks)
          #expect(try Outcome(name, in: folder).differences(from: Outcome("alone\(shards)", in: folder)) == [], "\(shards) shards on \(ranks) ranks")
        }
      }
      // Six leaves are six leaves.
      let (six, three) = (try Outcome("alone6", in: folder), try Outcome("alone3", in: folder))
      #expect(six.files["export"] == three.files["export"])
    }

    @Test func moreRanksThanShardsAreRefusedWithBothNumbers() throws {
      let folder = try Scratch()
      let run = try ToolRun("\(Self.line) --checkpoint-dir run --batch-size 2 --reproducible 2", in: folder, ranks: 3)
      #expect(run.exitCode == 65)
      #expect(run.errors.contains("there are 3 ranks, but a reproducible run of 2 shards has work for 2 at most"))
      #expect(!folder.exists("run"))
    }

    @Test func normalisingOverRanksIsRefused() throws {
      let folder = try Scratch()
      try folder.write("both.json", #"{ "model": "resnet_small", "batch_norm": "synchronized", "reproducible": 4 }"#)
      let run = try ToolRun("train --config both.json --data \(Scratch.data) --checkpoint-dir run", in: folder)
      #expect(run.exitCode == 65 && run.errors.contains("batch_norm") && run.errors.contains("cannot go with"))
    }

    @Test func aRunGoesOnWithItsThreadsAndItsShards() throws {
      let folder = try Scratch()
      try train("run", "--reproducible 4 --max-steps 2", in: folder, ranks: nil)
      func resume(_ options: String, through: [String]) throws -> ToolRun {
        try ToolRun("\(Self.line) --checkpoint-dir run --resume auto --max-steps 3 \(options)", in: folder, through: through)
      }
      let threads = try resume("--reproducible 4 --batch-size 2", through: ["OMP_NUM_THREADS=2"])
      #expect(threads.exitCode == 3)
      #expect(threads.errors.contains("OMP_NUM_THREADS is 2, but this reproducible run was begun with 1 threads"))
      let shards = try resume("--reproducible 2 --batch-size 2 --accumulation-steps 2", through: ["OMP_NUM_THREADS=1"])
      #expect(shards.exitCode == 3 && shards.errors.contains("reproducible is 2, the checkpoint has 4"))
      let size = try resume("--reproducible 4 --batch-size 1 --accumulation-steps 2", through: ["OMP_NUM_THREADS=1"])
      #expect(size.exitCode == 3, "\(size.errors)")
      let unset = try resume("--reproducible 4 --batch-size 2", through: ["-u", "OMP_NUM_THREADS"])
      #expect(unset.exitCode == 0, "\(unset.errors)")
    }
  }
}
