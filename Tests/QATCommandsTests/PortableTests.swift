import Foundation
import QAT
import Testing

extension ToolTests {
  /// Runs with "power_of_two_scales", and files for every runtime.
  @Suite struct PortableTests {
    private static let line = "train --config portable.json --data synthetic:1,28,28,10,96 --batch-size 2 --reproducible 6"

    private func folder() throws -> Scratch {
      let folder = try Scratch()
      let plain = try String(decoding: folder.bytes("int8.json"), as: UTF8.self)
      try folder.write(
        "portable.json",
        plain.replacingOccurrences(of: #""algorithm": "quantization","#, with: #""algorithm": "quantization", "power_of_two_scales": true,"#))
      return folder
    }

    @Test func aRunIsTheSameOnSeveralRanksResumesAndIsEvaluatedAlike() throws {
      let folder = try folder()
      let alone = try ToolRun(
        "\(Self.line) --checkpoint-dir alone --export alone.onnx --export alone.xml --target portable --max-steps 4", in: folder)
      try #require(alone.exitCode == 0, "\(alone.errors)")
      let three = try ToolRun("\(Self.line) --checkpoint-dir three --export three.onnx --target portable --max-steps 4", in: folder, ranks: 3)
      try #require(three.exitCode == 0, "\(three.errors)")
      for (steps, ranks) in [(2, 1), (4, 3)] {
        let part = try ToolRun(
          "\(Self.line) --checkpoint-dir parts --resume auto --export parts.onnx --target portable --max-steps \(steps)", in: folder, ranks: ranks)
        try #require(part.exitCode == 0, "\(part.errors)")
      }
      for other in ["three", "parts"] {
        for file in ["model.safetensors", "optimizer.safetensors"] {
          #expect(try folder.bytes("alone/step-000000004/\(file)") == folder.bytes("\(other)/step-000000004/\(file)"), "\(other) \(file)")
        }
        #expect(try folder.bytes("alone.onnx") == folder.bytes("\(other).onnx"))
      }
      let saved = try String(decoding: folder.bytes("alone/step-000000004/model.safetensors"), as: UTF8.self)
      #expect(!saved.contains("running_mean") && !saved.contains("|BIAS"))

      // A file, read again, says and computes what the checkpoint does, in whatever arithmetic.
      var results: [String: Evaluation] = [:]
      for model in ["alone", "alone.onnx"] {
        for options in ["--arithmetic float", "--target portable", "--target onnxruntime", "--target openvino", ""] {
          let run = try ToolRun("evaluate --model \(model) --data synthetic:1,28,28,10,96 --json \(options)", in: folder)
          try #require(run.exitCode == 0, "\(run.errors)")
          results["\(model) \(options)"] = try JSONDecoder().decode(Evaluation.self, from: Data(run.output.utf8))
        }
      }
      let first = try #require(results["alone --target portable"])
      for (name, result) in results { #expect(result.loss == first.loss && result.top1 == first.top1, "\(name)") }
      let inspected = try ToolRun("inspect --model alone.onnx --quantizers", in: folder)
      #expect(inspected.output.contains("portable: "), "\(inspected.output)")
      let json = try ToolRun("inspect --model alone --quantizers --json", in: folder)
      #expect(try JSONValue(json.json())["portable"]?["obstacles"] == [], "\(json.output)")
      let again = try ToolRun("export --checkpoint alone --to again.onnx --target portable", in: folder)
      #expect(try again.exitCode == 0 && folder.bytes("again.onnx") == folder.bytes("alone.onnx"), "\(again.errors)")
    }

    @Test func aNetworkWithOtherStepsIsRefusedWithWhatWasFoundAndTheRemedy() throws {
      let folder = try folder()
      let run = try ToolRun("train --config int8.json --data \(Scratch.data) --checkpoint-dir run --max-steps 1", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      let lines = [
        ("evaluate --model run --data \(Scratch.data) --target portable", "has the step"),
        ("export --checkpoint run --to portable.onnx --target portable", "has the step"),
        (
          "train --config int8.json --data \(Scratch.data) --checkpoint-dir other --export portable.onnx --target portable",
          "'compression' does not ask"
        ),
      ]
      for (line, found) in lines {
        let refused = try ToolRun(line, in: folder)
        #expect(
          refused.exitCode == 65 && refused.errors.contains(found) && refused.errors.contains(#""power_of_two_scales": true"#),
          "\(refused.errors)")
      }
      #expect(!folder.exists("portable.onnx") && !folder.exists("other"))
    }
  }
}
