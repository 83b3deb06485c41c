import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// What users get wrong: one paragraph on stderr that names the place, a documented exit code, nothing half-written.
  @Suite struct BadInputTests {
    private static let train = "train --checkpoint-dir run --export out.onnx"
    private static let data = "--data synthetic:1,28,28,10,64"

    @Test(arguments: [
      ("\(train) --config missing.json \(data)", 65 as Int32, "missing.json"),
      ("\(train) --config broken.json \(data)", 65, "broken.json:2"),
      ("\(train) --config misspelt.json \(data)", 65, "learning_rate"),
      ("\(train) --config fp32.json --data nowhere", 65, "nowhere"),
      ("\(train) --config fp32.json --data truncated", 65, "idx1-ubyte: its header promises 17 bytes"),
      ("\(train) --config fp32.json", 64, "--data"),
      ("\(train) --config fp32.json --model resnet_smal \(data)", 65, "did you mean 'resnet_small'"),
      ("\(train) --config fp32.json --model foreign.onnx \(data)", 65, "foreign.onnx"),
      ("\(train) --config fp32.json --model resnet18 \(data)", 65, "sample_size"),
      ("\(train) --config fp32.json --data synthetic:3,28,28,10,64", 65, "[3, 28, 28]"),
      ("\(train) --config fp32.json --batch-size 65 \(data)", 65, "batch"),
      ("train --config fp32.json --checkpoint-dir fp32.json/run \(data)", 7, "fp32.json/run"),
      ("train --config fp32.json --checkpoint-dir empty --resume latest \(data)", 4, "empty"),
      ("train --config diverging.json --checkpoint-dir diverged --epochs 50 \(data)", 5, "diverged"),
      ("quantize --config fp32.json --export out.onnx \(data)", 65, "compression"),
      ("quantize --config scope.json --export out.onnx \(data)", 65, "nothere"),
      ("evaluate --model absent.onnx \(data)", 65, "absent.onnx"),
      ("evaluate --model resnet_small --data synthetic:1,32,32,10,64", 65, "[1, 32, 32]"),
      ("export --checkpoint nowhere --to out.onnx", 4, "nowhere"),
      ("inspect --model foreign.onnx", 65, "foreign.onnx"),
      ("inspect --model resnet_small --config integers.json", 65, "type \"long\""),
      ("inspect --model resnet_small --config unknown-input.json", 65, "an input 'picture'"),
      ("inspect --model resnet_small --svg nowhere/net.svg", 7, "nowhere/net.svg"),
      ("config check misspelt.json", 65, "misspelt.json:2"),
      ("bench --model resnet_small --mode fp32 --image-size 5000000000000", 65, "input"),
    ])
    func isNamedInOneParagraph(line: String, code: Int32, names: String) throws {
      let folder = try Self.folder()
      let run = try ToolRun(line, in: folder)
      #expect(run.exitCode == code, "\(run.errors)")
      let paragraph = try #require(run.errors.range(of: "qat: error: ").map { run.errors[$0.lowerBound...] }, "\(run.errors)")
      #expect(paragraph.contains(names), "\(run.errors)")
      #expect(!paragraph.contains("Fatal error"))
      #expect(run.output.isEmpty)
      #expect(!folder.exists("out.onnx"))
    }

    @Test func aRunIsNotBegunInTheFolderOfAnother() throws {
      let folder = try Self.folder()
      let line = "train --config fp32.json --checkpoint-dir run --max-steps 1 \(Self.data)"
      #expect(try ToolRun(line, in: folder).exitCode == 0)
      let second = try ToolRun(line, in: folder)
      #expect(second.exitCode == 7)
      #expect(second.errors.contains("--resume auto"))
      let other = try ToolRun("\(line) --resume auto --seed 9", in: folder)
      #expect(other.exitCode == 3)
      #expect(other.errors.contains("seed is 9, the checkpoint has 1"))
    }

    @Test(arguments: [("--data nowhere", 65 as Int32, "nowhere"), ("--data synthetic:1,28,28,10,64 --export out.tflite", 64, "out.tflite")])
    func allRanksEndAndOneSpeaks(arguments: String, code: Int32, names: String) throws {
      let run = try ToolRun("train --config fp32.json --checkpoint-dir run \(arguments)", in: try Self.folder(), ranks: 2, timeout: 60)
      #expect(run.exitCode == code, "\(run.errors)")
      #expect(run.errors.components(separatedBy: "qat: error: ").count == 2, "\(run.errors)")
      #expect(run.errors.contains(names))
    }

    @Test func aRankThatCannotReadItsModelIsNamed() throws {
      let folder = try Self.folder()
      let trained = try ToolRun("train --config fp32.json --checkpoint-dir run --max-steps 1 --export fp32.onnx \(Self.data)", in: folder)
      try #require(trained.exitCode == 0, "\(trained.errors)")
      try FileManager.default.createDirectory(at: folder.url("other"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: folder.url("fp32.json"), to: folder.url("other/fp32.json"))
      // A program of two parts: the second rank works in a folder without the model.
      let run = try ToolRun(mpmd: "evaluate --model fp32.onnx \(Self.data)", folders: [folder.root, folder.url("other")], in: folder)
      #expect(run.exitCode == 3, "\(run.errors)")
      #expect(run.errors.contains("rank 1") && run.errors.contains("fp32.onnx"))
    }

    private static func folder() throws -> Scratch {
      let folder = try Scratch()
      let good = try String(contentsOf: folder.url("fp32.json"), encoding: .utf8)
      try folder.write("broken.json", "{\n  \"model\" \"resnet_small\"\n}")
      try folder.write("misspelt.json", "{ \"model\": \"resnet_small\",\n  \"optimizer\": { \"learning_rate\": 1 } }")
      try folder.write("diverging.json", good.replacingOccurrences(of: "\"base_lr\": 0.05", with: "\"base_lr\": 1e30"))
      try folder.write(
        "scope.json",
        try String(contentsOf: folder.url("int8.json"), encoding: .utf8).replacingOccurrences(
          of: "\"algorithm\"", with: "\"ignored_scopes\": [\"nothere\"], \"algorithm\""))
      try folder.write("integers.json", "{ \"input_info\": { \"type\": \"long\" } }")
      try folder.write("unknown-input.json", "{ \"input_info\": { \"keyword\": \"picture\" } }")
      try folder.write("foreign.onnx", "this is a text and no model")
      try FileManager.default.createDirectory(at: folder.url("truncated"), withIntermediateDirectories: true)
      for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        try Data([0, 0, 8, name.contains("images") ? 3 : 1, 0, 0, 0, 9]).write(to: folder.url("truncated/\(name)"))
      }
      try FileManager.default.createDirectory(at: folder.url("empty"), withIntermediateDirectories: true)
      return folder
    }
  }
}
