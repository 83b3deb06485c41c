import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// The way from nothing to an INT8 file, as a user goes it.
  @Suite struct WorkflowTests {
    private let data = Scratch.data

    @Test func trainsExportsQuantizesFineTunesAndEvaluates() throws {
      let folder = try Scratch()
      let trained = try ToolRun("train --config fp32.json --data \(data) --epochs 8 --checkpoint-dir run --export fp32.onnx", in: folder)
      try #require(trained.exitCode == 0, "\(trained.errors)")
      #expect(trained.output.contains("resnet_small") && trained.output.contains("trained") && trained.output.contains("fp32.onnx"))
      for file in ["run/run.json", "run/model.onnx", "run/metrics.jsonl", "run/step-000000064/MANIFEST.json", "fp32.onnx"] {
        #expect(folder.exists(file), "\(file)")
      }

      let evaluated = try evaluation("evaluate --model fp32.onnx --data \(data) --json", folder)
      #expect(evaluated.count == 256)
      #expect(evaluated.top1 > 0.5 && evaluated.top1 <= evaluated.top5 && evaluated.top5 <= 1)
      #expect(evaluated.loss > 0)

      let again = try ToolRun("export --checkpoint run --to again.onnx", in: folder)
      #expect(again.exitCode == 0, "\(again.errors)")
      #expect(try folder.bytes("again.onnx") == folder.bytes("fp32.onnx"))

      let quantized = try ToolRun("quantize --config int8.json --model fp32.onnx --data \(data) --export before.onnx --json", in: folder)
      try #require(quantized.exitCode == 0, "\(quantized.errors)")
      #expect(try JSONValue(quantized.json())["weights"]?["total"] == 10)
      let planned = try ToolRun("inspect --config int8.json --model fp32.onnx --json", in: folder)
      #expect(try JSONValue(planned.json())["statistics"]?["data_path"] == JSONValue(quantized.json())["data_path"])
      // Quantizing on the way to an evaluation is the same as quantizing, exporting, and evaluating the file.
      let before = try evaluation("evaluate --model before.onnx --data \(data) --json", folder)
      let direct = try evaluation("evaluate --model fp32.onnx --config int8.json --data \(data) --json", folder)
      #expect(before.top1 == direct.top1 && abs(before.loss - direct.loss) < 1e-4)
      #expect(abs(before.top1 - evaluated.top1) < 0.1)

      let tuned = try ToolRun("train --config int8.json --model fp32.onnx --data \(data) --checkpoint-dir tuned --export int8.onnx", in: folder)
      try #require(tuned.exitCode == 0, "\(tuned.errors)")
      for row in ["quantized, before fine-tuning", "fine-tuned", "as integers"] { #expect(tuned.output.contains(row)) }
      let after = try evaluation("evaluate --model int8.onnx --data \(data) --json", folder)
      #expect(tuned.output.contains("as integers") && tuned.output.contains(Numbers.percent(after.top1)))
      #expect(try Double(folder.bytes("int8.onnx").count) < 0.36 * Double(folder.bytes("fp32.onnx").count))
      let exported = try ToolRun("export --checkpoint tuned --to int8-again.onnx", in: folder)
      #expect(exported.exitCode == 0, "\(exported.errors)")
      #expect(try folder.bytes("int8-again.onnx") == folder.bytes("int8.onnx"))

      let inspected = try ToolRun("inspect --model int8.onnx --quantizers --json", in: folder)
      try #require(inspected.exitCode == 0, "\(inspected.errors)")
      let quantizers = try #require(try JSONValue(inspected.json())["quantizers"])
      guard case .array(let list) = quantizers else { throw ToolRun.Failure(description: "quantizers is no array: \(quantizers)") }
      #expect(list.count { $0["kind"] == "weight" } == 10)
      #expect(list.allSatisfy { $0["id"] != nil && $0["operator"] != nil && $0["bits"] == 8 && $0["scale"] != nil || $0["input_low"] != nil })
      #expect(try JSONValue(inspected.json())["float_operators"] == .array([]))

      // Every command writes the fingerprint of the configuration that made the quantizers, and a file tells whether a configuration is that one.
      try folder.write(
        "other.json",
        String(contentsOf: folder.url("int8.json"), encoding: .utf8).replacing("\"quantization\"", with: "\"quantization\", \"preset\": \"mixed\""))
      func fingerprints(_ line: String) throws -> [String?] {
        let json = try ToolRun("inspect --json --model \(line)", in: folder).json()
        return ["compression_fingerprint", "configured_fingerprint"].map { json[$0]?.string }
      }
      let own = try #require(try fingerprints("fp32.onnx --config int8.json")[1])
      for file in ["before.onnx", "int8.onnx", "int8-again.onnx", "tuned"] {
        #expect(try fingerprints("\(file) --config int8.json") == [own, own], "\(file)")
      }
      let other = try fingerprints("int8.onnx --config other.json")
      #expect(other[0] == own && other[1] != own)
      #expect(try fingerprints("fp32.onnx") == [nil, nil])
      let shown = try ToolRun("inspect --model int8.onnx --config other.json", in: folder).output
      #expect(shown.contains("compression    \(own); the configuration is another one"))
    }

    @Test func aResumedRunEndsWithTheBytesOfOneThatDidNotStop() throws {
      let folder = try Scratch()
      let line = "train --config int8.json --data \(data) --epochs 2"
      let whole = try ToolRun("\(line) --checkpoint-dir whole --max-steps 10", in: folder)
      try #require(whole.exitCode == 0, "\(whole.errors)")
      let first = try ToolRun("\(line) --checkpoint-dir parts --max-steps 3 --resume auto", in: folder)
      try #require(first.exitCode == 0, "\(first.errors)")
      let second = try ToolRun("\(line) --checkpoint-dir parts --max-steps 10 --resume auto", in: folder)
      try #require(second.exitCode == 0, "\(second.errors)")
      #expect(second.errors.contains("after step 3"))
      for file in ["model.safetensors", "optimizer.safetensors"] {
        #expect(try folder.bytes("whole/step-000000010/\(file)") == folder.bytes("parts/step-000000010/\(file)"), "\(file)")
      }
    }

    @Test func twoRanksSpeakWithOneVoice() throws {
      let folder = try Scratch()
      let run = try ToolRun(
        "train --config int8.json --data \(data) --checkpoint-dir run --batch-size 16 --export run/int8.onnx", in: folder, ranks: 2)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.output.components(separatedBy: "fine-tuned").count == 2)
      #expect(run.output.contains("over 2 ranks"))
      #expect(folder.exists("run/int8.onnx"), "the run makes its folder")
    }

    @Test("bench times steps of networks on tokens and of networks that judge pixels", arguments: ["bert_small", "unet_small"])
    func benchTimesOtherNetworks(name: String) throws {
      let run = try ToolRun("bench --model \(name) --mode qat --batch-size 2 --steps 2 --json", in: try Scratch())
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect((try run.json()["images_per_second"]?.number?.double ?? 0) > 0)
    }

    @Test(arguments: ["fp32", "qat"]) func benchTimesSteps(mode: String) throws {
      let run = try ToolRun("bench --model resnet_small --mode \(mode) --batch-size 4 --steps 3 --json", in: try Scratch())
      try #require(run.exitCode == 0, "\(run.errors)")
      let json = JSONValue(try run.json())
      guard case .number(let rate)? = json["images_per_second"], case .number(let seconds)? = json["step_seconds"],
        case .integer(let memory)? = json["peak_memory_bytes"]
      else { throw ToolRun.Failure(description: run.output) }
      #expect(abs(rate * seconds - 4) < 1e-6)
      let exposed = json["exposed_communication_seconds"]
      #expect(exposed == .number(0) || exposed == .integer(0), "one rank waits for nobody")
      #expect(memory > 1 << 20)
    }

    @Test("bench says what share of the speed without communication is left with it", arguments: [nil, 2])
    func benchMeasuresTheCostOfCommunication(ranks: Int?) throws {
      let run = try ToolRun(
        "bench --model resnet_small --mode fp32 --batch-size 4 --steps 4 --communication-cost --json", in: try Scratch(), ranks: ranks)
      try #require(run.exitCode == 0, "\(run.errors)")
      let json = try run.json()
      func number(_ key: String) throws -> Double { try #require(json[key]?.number?.double) }
      let efficiency = try number("efficiency")
      #expect(try abs(efficiency * number("images_per_second_alone") / number("images_per_second") - 1) < 1e-6)
      // However busy the machine is: steps in turn meet the same machine.
      #expect(efficiency > 0.1 && efficiency < 3)
    }

    /// The process's start is the system's; what it needs until the first step is most of its life here.
    @Test(arguments: [("fp32", nil), ("qat", 2)]) func benchTimesPassesOfEvaluation(mode: String, ranks: Int?) throws {
      let began = Date()
      let run = try ToolRun(
        "bench --model resnet_small --mode \(mode) --evaluation --batch-size 4 --steps 3 --profile --json", in: try Scratch(), ranks: ranks)
      let life = Date().timeIntervalSince(began)
      try #require(run.exitCode == 0, "\(run.errors)")
      #expect(run.errors.contains("Gemm") && !run.errors.contains("backward"))
      let json = try run.json()
      func number(_ key: String) throws -> Double { try #require(json[key]?.number?.double) }
      #expect(abs(try number("images_per_second") * number("step_seconds") - 4 * Double(ranks ?? 1)) < 1e-6)
      #expect(try number("startup_seconds") > 0 && number("startup_seconds") < life)
      #expect(try number("memory_growth_bytes") < 0x1p20, "steps do not gather memory")
    }

    @Test func aConfigurationPrintsItselfWithDefaults() throws {
      let folder = try Scratch()
      let printed = try ToolRun("config print int8.json", in: folder)
      try #require(printed.exitCode == 0, "\(printed.errors)")
      try folder.write("resolved.json", printed.output)
      let again = try ToolRun("config print resolved.json", in: folder)
      #expect(again.output == printed.output)
      #expect(try ToolRun("config check resolved.json", in: folder).exitCode == 0)
    }

    private func evaluation(_ line: String, _ folder: Scratch) throws -> Evaluation {
      let run = try ToolRun(line, in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      return try JSONDecoder().decode(Evaluation.self, from: Data(run.output.utf8))
    }
  }
}
