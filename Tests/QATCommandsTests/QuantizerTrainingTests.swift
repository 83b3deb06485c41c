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
        #"{ "algorithm": "quantization", \#(initializer), "compression_lr_multiplier": 0.1, "weights": { "logarithm_scale": true }, "#
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

    @Test func stagesResumeAndExportWhatIsAtWork() throws {
      let folder = try Scratch()
      let stages = #""params": { "activations_quant_start_epoch": 0, "weights_quant_start_epoch": 1 }"#
      let quantization = #"{ "algorithm": "quantization", \#(initializer), \#(stages) }"#
      try folder.write("staged.json", configuration(quantization, #""frozen_layers": "{re}^features.0", "num_observer_update_epochs": 1,"#))
      let line = "train --config staged.json --epochs 2"
      let whole = try ToolRun("\(line) --checkpoint-dir whole --export whole.onnx", in: folder)
      try #require(whole.exitCode == 0, "\(whole.errors)")
      #expect(whole.errors.contains("from epoch 2 on, activations and weights are quantized; ranges are found anew"))
      #expect(whole.errors.contains("are quantized, but frozen"))
      let part = try ToolRun("\(line) --checkpoint-dir parts --max-steps 5 --export part.onnx", in: folder)
      try #require(part.exitCode == 0, "\(part.errors)")
      let early = #"weights are never quantized: "weights_quant_start_epoch" is 1, counted from 0, and the run ends after 5 steps, in epoch 1"#
      let warned = try #require(part.errors.firstRange(of: early))
      let ended = try #require(part.errors.firstRange(of: "the run has ended before weights were quantized"))
      #expect(warned.upperBound < ended.lowerBound)
      for (model, weights) in [("part.onnx", 0), ("parts", 0), ("whole.onnx", 1), ("whole", 1)] {
        let inspected = try ToolRun("inspect --model \(model) --quantizers --json", in: folder)
        try #require(inspected.exitCode == 0, "\(inspected.errors)")
        guard case .array(let list) = try #require(try JSONValue(inspected.json())["quantizers"]) else { continue }
        #expect(list.contains { $0["kind"] == "weight" } == (weights == 1), "\(model)")
        #expect(list.contains { $0["kind"] == "activation" })
      }
      let rest = try ToolRun("\(line) --checkpoint-dir parts --resume auto --export rest.onnx", in: folder)
      try #require(rest.exitCode == 0, "\(rest.errors)")
      #expect(try folder.bytes("rest.onnx") == folder.bytes("whole.onnx"))
    }

    @Test func aTeacherNeedsNoLabels() throws {
      let folder = try Scratch()
      func file(_ name: String, _ header: [UInt8], _ count: Int) throws {
        let values = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
        try Data([0, 0, 8, UInt8(header.count / 4)] + header + values).write(to: folder.url(name))
      }
      let images: [UInt8] = [0, 0, 0, 16, 0, 0, 0, 28, 0, 0, 0, 28]
      try file("train-images-idx3-ubyte", images, 16 * 784)
      try file("t10k-images-idx3-ubyte", images, 16 * 784)
      try Data([0, 0, 8, 1, 0, 0, 0, 16] + (0..<16).map { UInt8($0 % 10) }).write(to: folder.url("t10k-labels-idx1-ubyte"))
      let sections = #"{ "algorithm": "quantization", \#(initializer) }, { "algorithm": "knowledge_distillation", "type": "mse" }"#
      try folder.write("taught.json", configuration(sections, #""loss": "none","#))
      let run = try ToolRun("train --config taught.json --data . --checkpoint-dir run --max-steps 2 --export taught.onnx", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let metrics = try String(decoding: folder.bytes("run/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      #expect(metrics.first?.contains("\"distillation\":") == true && metrics.first?.contains("top1") == false)
      try folder.write("labelled.json", configuration(#"{ "algorithm": "quantization" }"#))
      let refused = try ToolRun("train --config labelled.json --data . --checkpoint-dir other --max-steps 2", in: folder)
      #expect(refused.exitCode != 0 && refused.errors.contains("the folder holds no train labels"))
    }

    @Test func aNetworkThatIsAccurateEnoughIsNotTrained() throws {
      let folder = try Scratch()
      let goal = #"{ "mode": "early_exit", "params": { "maximal_absolute_accuracy_degradation": 100, "maximal_total_epochs": 2 } }"#
      try folder.write("aware.json", configuration(#"{ "algorithm": "quantization", \#(initializer) }"#, #""accuracy_aware_training": \#(goal),"#))
      for file in ["aware.onnx", "again.onnx"] {
        let run = try ToolRun("train --config aware.json --checkpoint-dir run --resume auto --export \(file)", in: folder)
        try #require(run.exitCode == 0, "\(run.errors)")
        #expect(run.output.contains("0 steps") && run.output.contains("within the budget") && run.output.contains("fp32"))
      }
      #expect(try folder.bytes("again.onnx") == folder.bytes("aware.onnx"))
      let exported = try ToolRun("export --checkpoint run --to exported.onnx", in: folder)
      #expect(exported.exitCode == 0, "\(exported.errors)")
    }
  }
}
