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
      ("config check misspelt.json", 65, "misspelt.json:2"), ("config chek fp32.json", 64, "there is no command 'chek': did you mean 'check'?"),
      ("evalute --model resnet_small \(data)", 64, "there is no command 'evalute': did you mean 'evaluate'?"),
      ("evaluate --model absent.onnx \(data)", 65, "absent.onnx: the file cannot be read: No such file or directory"),
      ("evaluate --model folder.onnx \(data)", 65, "folder.onnx: the file cannot be read: Is a directory"),
      ("evaluate --model absent.pb \(data)", 65, "absent.pb: the file cannot be read: No such file or directory"),
      ("evaluate --model resnet_small --data empty", 65, ".npy files, .tar files"),
      ("evaluate --model resnet_small --data nested", 65, ".npy files, .tar files"),
      ("evaluate --model resnet_small --data foreign.onnx", 65, "foreign.onnx: its name is of no kind of file that is read"),
      ("checkpoint ls fp32.json", 4, "there is no folder fp32.json"), ("report nowhere", 4, "there is no folder nowhere"),
      ("train --config fp32.json --checkpoint-dir run --resume nowhere \(data)", 4, "there is no folder nowhere"),
      ("\(train) --config int8.json --format onnx-int4 --export out.xml \(data)", 64, "--format says onnx-int4"),
      ("\(train) --config int8.json --target portable \(data)", 65, "power_of_two_scales"),
      ("quantize --config int8.json --export folder.onnx \(data)", 7, "'folder.onnx' is a folder"),
      ("bench --model resnet_small --mode fp32 --image-size 5000000000000", 65, "input"),
      ("bench --model resnet_small --mode fp32 --communication-cost --config synchronized.json", 64, "synchronized"),
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

    @Test(arguments: [
      "train --config int8.json --checkpoint-dir run --export nowhere/out.onnx", "quantize --config int8.json --export nowhere/out.onnx",
    ])
    func whatCannotBeWrittenIsFoundBeforeTheWork(line: String) throws {
      let folder = try Self.folder()
      let run = try ToolRun("\(line) \(Self.data)", in: folder)
      #expect(run.exitCode == 7 && run.errors.contains("--export: nothing can be written into 'nowhere': No such file or directory"), "\(run.errors)")
      #expect(run.output.isEmpty && !folder.exists("run"))
    }

    @Test(arguments: ["config print fp32.json", "inspect --model resnet_small --json", "manual"])
    func aResultThatCannotBeWrittenIsAnError(line: String) throws {
      let run = try ToolRun(line, in: try Self.folder(), through: ["sh", "-c", "\"$@\" > /dev/full", "sh"])
      #expect(run.errors.contains("qat: error: the result cannot be written to stdout: No space left on device"), "\(run.errors)")
      #expect(run.exitCode == 7)
    }

    @Test func aReportThatCannotBeWrittenIsNotNamedAmongTheResults() throws {
      let folder = try Self.folder()
      try FileManager.default.createDirectory(at: folder.url("run/report.html"), withIntermediateDirectories: true)
      let line = "train --config fp32.json --checkpoint-dir run --max-steps 1 --resume auto \(Self.data)"
      let run = try ToolRun(line, in: folder)
      #expect(run.exitCode == 0 && run.errors.contains("there is no report"), "\(run.errors)")
      #expect(run.output.contains("1 step, ") && run.output.contains("over 1 rank,") && !run.output.contains("report "), "\(run.output)")
      let again = try ToolRun(line, in: folder)
      #expect(again.exitCode == 0 && again.output.contains("1 step, none of them now: the run was at its end"), "\(again.output)")
      let results = try JSONDocument.read(contentsOf: folder.url("run/results.json").path)
      #expect(try #require(results.root["timing"]?["images_per_second"]?.number?.double) > 0)
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
      try folder.write("synchronized.json", #"{ "batch_norm": "synchronized" }"#)
      try folder.write("misspelt.json", "{ \"model\": \"resnet_small\",\n  \"optimizer\": { \"learning_rate\": 1 } }")
      try folder.write("diverging.json", good.replacingOccurrences(of: "\"base_lr\": 0.05", with: "\"base_lr\": 1e30"))
      try folder.write(
        "scope.json",
        try String(contentsOf: folder.url("int8.json"), encoding: .utf8).replacingOccurrences(
          of: "\"algorithm\"", with: "\"ignored_scopes\": [\"nothere\"], \"algorithm\""))
      try folder.write("integers.json", "{ \"input_info\": { \"type\": \"long\" } }")
      try folder.write("unknown-input.json", "{ \"input_info\": { \"keyword\": \"picture\" } }")
      try folder.write("foreign.onnx", "this is a text and no model")
      for name in ["folder.onnx", "nested/inner"] { try FileManager.default.createDirectory(at: folder.url(name), withIntermediateDirectories: true) }
      try FileManager.default.createDirectory(at: folder.url("truncated"), withIntermediateDirectories: true)
      for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        try Data([0, 0, 8, name.contains("images") ? 3 : 1, 0, 0, 0, 9]).write(to: folder.url("truncated/\(name)"))
      }
      try FileManager.default.createDirectory(at: folder.url("empty"), withIntermediateDirectories: true)
      return folder
    }
  }
}
