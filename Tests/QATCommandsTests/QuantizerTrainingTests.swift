import Foundation
import QAT
import Testing

extension ToolTests {
  /// What the configuration says of how quantizers are trained.
  @Suite struct QuantizerTrainingTests {
    private func configuration(_ sections: String, _ root: String = "") -> String {
      let network = #""model": "mobilenet_small", "batch_size": 8, "seed": 3, "data": { "train": "synthetic:1,28,28,10,64" }"#
      let optimizer = #""optimizer": { "base_lr": 0.01, "schedule_type": "constant" }"#
      return "{ \(network), \(optimizer), \(root) \"compression\": [\(sections)] }"
    }

    private let initializer = #""initializer": { "range": { "num_init_samples": 32 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 32 } }"#

    @Test func logarithmsAndATeacherTrainResumeAndExport() throws {
      let folder = try Scratch()
      let quantization =
        #"{ "algorithm": "quantization", \#(initializer), "compression_lr_multiplier": 5, "weights": { "logarithm_scale": true }, "#
        + #""activations": { "mode": "asymmetric", "logarithm_scale": true } }"#
      let distillation = #"{ "algorithm": "knowledge_distillation", "type": "softmax", "temperature": 2 }"#
      try folder.write("log.json", configuration("\(quantization), \(distillation)", #""log_dir": "pictures","#))
      let line = "train --config log.json --export log.onnx"
      let whole = try ToolRun("\(line) --checkpoint-dir whole --max-steps 4", in: folder)
      try #require(whole.exitCode == 0, "\(whole.errors)")
      #expect(whole.errors.contains("knowledge distillation: the teacher takes "))
      for steps in [2, 4] {
        let part = try ToolRun("\(line) --checkpoint-dir parts --resume auto --max-steps \(steps)", in: folder)
        try #require(part.exitCode == 0, "\(part.errors)")
      }
      for file in ["model.safetensors", "optimizer.safetensors", "state.json"] {
        #expect(try folder.bytes("whole/step-000000004/\(file)") == folder.bytes("parts/step-000000004/\(file)"), "\(file)")
      }
      let saved = try String(decoding: folder.bytes("whole/step-000000004/model.safetensors"), as: UTF8.self)
      #expect(saved.contains("|WEIGHT.log_scale") && saved.contains(".log_input_range") && !saved.contains("|WEIGHT.scale"))
      let metrics = try String(decoding: folder.bytes("whole/metrics.jsonl"), as: UTF8.self)
      #expect(metrics.contains("\"distillation\":"))
      for name in ["original", "compressed"] {
        let picture = try String(decoding: folder.bytes("pictures/\(name)_graph.dot"), as: UTF8.self)
        #expect(picture.hasPrefix("digraph") && picture.contains("|WEIGHT") == (name == "compressed"))
      }
      // The file computes what was trained.
      let evaluated = try ToolRun("evaluate --model log.onnx --data synthetic:1,28,28,10,64 --json", in: folder)
      try #require(evaluated.exitCode == 0, "\(evaluated.errors)")
      let direct = try ToolRun("evaluate --model whole --data synthetic:1,28,28,10,64 --json", in: folder)
      let results = try [evaluated, direct].map { try JSONDecoder().decode(Evaluation.self, from: Data($0.output.utf8)) }
      #expect(abs(results[0].loss - results[1].loss) < 0.05 * results[1].loss)
    }
  }
}
