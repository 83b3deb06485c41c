import Foundation
import QAT
import Testing

extension ToolTests {
  /// Which layer costs how much.
  @Suite struct AnalyzeTests {
    @Test func everyLayerIsMeasuredAndRanksDoNotMatter() throws {
      let folder = try Scratch()
      let line = "analyze --model resnet_small --config int8.json --data \(Scratch.data) --samples 70 --json"
      let one = try ToolRun(line, in: folder)
      try #require(one.exitCode == 0, "\(one.errors)")
      let three = try ToolRun(line, in: folder, ranks: 3)
      #expect(three.output == one.output, "\(three.errors)")
      let report = try one.json()
      #expect(report["count"]?.number?.integer == 70 && report["fp32"]?["agreement"]?.number?.double == 1)
      let layers = try #require(report["layers"]?.array)
      // Ten layers with weights, and the additions and pooling that read quantized tensors.
      #expect(layers.count { $0["type"]?.string == "Conv" || $0["type"]?.string == "Gemm" } == 10)
      #expect(layers.allSatisfy { ($0["quantizers"]?.array?.count ?? 0) > 0 && (0...1).contains($0["top1"]?.number?.double ?? -1) })
      let losses = layers.compactMap { $0["loss"]?.number?.double }
      #expect(losses.count == layers.count && zip(losses, losses.dropFirst()).allSatisfy { $0 >= $1 }, "the costliest first: \(losses)")
    }

    @Test func aRunIsAnalyzedAtItsCheckpoint() throws {
      let folder = try Scratch()
      let run = try ToolRun("train --config int8.json --data \(Scratch.data) --checkpoint-dir run --max-steps 2", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let analyzed = try ToolRun("analyze --model run --samples 32", in: folder)
      #expect(analyzed.exitCode == 0, "\(analyzed.errors)")
      #expect(analyzed.output.contains("all of them") && analyzed.output.contains("on 32 samples"))
      let float = try ToolRun("analyze --model resnet_small --config fp32.json --data \(Scratch.data)", in: folder)
      #expect(float.exitCode == 65 && float.errors.contains("there is nothing to quantize"))
    }
  }
}
