import Foundation
import QAT
import Testing

extension ToolTests {
  /// What has to be the same bytes however many ranks did the work: also when the samples do not divide, and when some ranks get none.
  @Suite struct RankCountTests {
    /// 37 samples are one batch of 32 and five left over, 70 are two batches: with three or four ranks some have nothing to do.
    private func configuration(_ kind: String, preset: String) -> String {
      """
      {
        "model": "resnet_small", "seed": 1, "data": { "normalize": { "mean": [0.5], "std": [0.25] } },
        "compression": {
          "algorithm": "quantization", "preset": "\(preset)",
          "initializer": { "range": { "type": "\(kind)", "num_init_samples": 37 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 70 } }
        }
      }
      """
    }

    @Test(arguments: [("min_max", "performance"), ("mean_min_max", "mixed"), ("mixed_min_max", "mixed")])
    func theQuantizedFileDoesNotDependOnRanks(kind: String, preset: String) throws {
      let folder = try Scratch()
      try folder.write("config.json", configuration(kind, preset: preset))
      func quantized(ranks: Int) throws -> Data {
        let run = try ToolRun("quantize --config config.json --data \(Scratch.data) --export \(ranks).onnx", in: folder, ranks: ranks)
        try #require(run.exitCode == 0, "\(run.errors)")
        return try folder.bytes("\(ranks).onnx")
      }
      let one = try quantized(ranks: 1)
      for ranks in 2...4 { #expect(try quantized(ranks: ranks) == one, "\(ranks) ranks") }
    }

    /// 250 samples end with a batch of 10; three samples leave ranks without any; 7 samples a batch are dealt unevenly.
    @Test(arguments: [("250", "40"), ("3", "100"), ("3", "1"), ("25", "7")])
    func anEvaluationDoesNotDependOnRanks(count: String, batch: String) throws {
      let folder = try Scratch()
      let line = "evaluate --model mobilenet_small --data synthetic:1,28,28,10,\(count) --batch-size \(batch) --json"
      let one = try ToolRun(line, in: folder, ranks: 1)
      try #require(one.exitCode == 0, "\(one.errors)")
      for ranks in 2...4 {
        let run = try ToolRun(line, in: folder, ranks: ranks)
        #expect(run.output == one.output, "\(ranks) ranks: \(run.errors)")
      }
    }
  }
}
