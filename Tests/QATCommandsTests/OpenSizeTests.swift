import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// Files whose height and width are open, as PyTorch exports them with `dynamic_axes` and `dynamic_shapes`: `--shape` says the sizes for every command.
  @Suite struct OpenSizeTests {
    private static let files = ["residual-open", "residual-open-dynamo"]

    private func scratch(_ file: String) throws -> Scratch {
      let folder = try Scratch()
      let fixture = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/onnx/\(file).onnx").standardizedFileURL
      try FileManager.default.copyItem(at: fixture, to: folder.url("open.onnx"))
      if FileManager.default.fileExists(atPath: fixture.path + ".data") {
        try FileManager.default.copyItem(at: URL(filePath: fixture.path + ".data"), to: folder.url("\(file).onnx.data"))
      }
      return folder
    }

    @Test("Without a size the file is refused, with the remedy", arguments: files)
    func needsASize(file: String) throws {
      let folder = try scratch(file)
      for command in ["inspect", "evaluate --data \(Scratch.data)", "init --data \(Scratch.data)"] {
        let run = try ToolRun("\(command) --model open.onnx", in: folder)
        #expect(run.exitCode == ExitStatus.input.rawValue, "\(command): \(run.errors)")
        #expect(run.errors.contains("--shape input:1,1,224,224") && run.errors.contains("dynamic ('"), "\(command): \(run.errors)")
      }
    }

    @Test("With --shape every command works, and writes files of that size", arguments: files)
    func takesAShape(file: String) throws {
      let folder = try scratch(file)
      let data = "synthetic:1,32,24,10,64"
      let shape = "--model open.onnx --shape 1,1,32,24"
      func run(_ line: String) throws -> ToolRun {
        let run = try ToolRun(line, in: folder)
        #expect(run.exitCode == 0, "\(line): \(run.errors)")
        return run
      }
      // The configuration says another size: the command line goes before it.
      try folder.write(
        "int8.json",
        String(contentsOf: folder.url("int8.json"), encoding: .utf8).replacing("\"num_init_samples\": 32", with: "\"num_init_samples\": 16"))
      #expect(try String(contentsOf: folder.url("int8.json"), encoding: .utf8).contains("[1, 1, 28, 28]"))
      let inspected = try run("inspect \(shape) --config int8.json --json").json()
      #expect(JSONValue(inspected)["inputs"] == [["name": "input", "shape": ["batch", 1, 32, 24]]])
      _ = try run("quantize \(shape) --config int8.json --data \(data) --export quantized.onnx --export quantized.xml")
      _ = try run("train \(shape) --config int8.json --data \(data) --max-steps 2 --checkpoint-dir run --export trained.onnx")
      for model in [shape, "\(shape) --config int8.json", "--model quantized.onnx", "--model trained.onnx", "--model run"] {
        #expect(try run("evaluate \(model) --data \(data) --json").json()["count"]?.number?.integer == 64)
      }
      _ = try run("train \(shape) --config int8.json --data \(data) --max-steps 4 --checkpoint-dir run --resume auto")
      for exported in ["quantized.onnx", "trained.onnx"] {
        #expect(try JSONValue(run("inspect --model \(exported) --json").json())["inputs"] == [["name": "input", "shape": ["batch", 1, 32, 24]]])
      }
      _ = try run("analyze \(shape) --config int8.json --data \(data) --samples 16")
      _ = try run("bench \(shape) --mode qat --batch-size 2 --steps 1")
      _ = try run("init \(shape) --data \(data)")
    }

    @Test("A shape of another rank is refused with both") func refusesOtherRanks() throws {
      let run = try ToolRun("inspect --model open.onnx --shape 1,32,24", in: try scratch("residual-open"))
      #expect(run.exitCode == ExitStatus.input.rawValue)
      #expect(
        run.errors.contains("[batch, 32, 24]") && run.errors.contains("[dynamic ('batch'), 1, dynamic ('height'), dynamic ('width')]"),
        "\(run.errors)")
    }
  }
}
