import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// One run with several checkpoints, looked at from all sides.
  @Suite struct CheckpointCommandTests {
    /// A quantized run of three epochs of two steps each.
    private func trained() throws -> Scratch {
      let folder = try Scratch()
      let data = "synthetic:1,28,28,10,64"
      let run = try ToolRun("train --config int8.json --data \(data) --epochs 3 --checkpoint-dir run --export int8.onnx", in: folder)
      try #require(run.exitCode == 0, "\(run.errors)")
      return folder
    }

    private func json(_ line: String, _ folder: Scratch, exitCode: Int32 = 0) throws -> JSONValue {
      let run = try ToolRun(line, in: folder)
      #expect(run.exitCode == exitCode, "\(run.errors)")
      return JSONValue(try run.json())
    }

    private func damage(_ file: String, _ folder: Scratch) throws {
      var bytes = try folder.bytes(file)
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: folder.url(file))
    }

    @Test func listsVerifiesShowsComparesAndRestores() throws {
      let folder = try trained()
      guard case .array(let list)? = try json("checkpoint ls run --json", folder)["checkpoints"] else {
        throw ToolRun.Failure(description: "no list")
      }
      #expect(list.compactMap { $0["step"] } == [6, 4, 2])
      #expect(list.allSatisfy { $0["valid"] == true && $0["top1"] != .null })
      #expect(list.count { JSONValue.array([$0["marks"] ?? .null]).text().contains("best") } == 1)
      #expect(try ToolRun("checkpoint ls run", in: folder).output.contains("step-000000006"))
      #expect(try json("checkpoint verify run --json", folder)["valid"] == true)

      let shown = try json("checkpoint show run/latest --json", folder)
      #expect(shown["step"] == 6 && shown["global_batch_size"] == 32 && shown["settings"]?["optimizer.base_lr"] == "0.05")
      guard case .array(let tensors)? = shown["tensors"] else { throw ToolRun.Failure(description: "no tensors") }
      #expect(tensors.allSatisfy { $0["not_finite"] == 0 } && tensors.count > 20)

      #expect(try json("checkpoint diff run run/step-000000006 --json", folder)["equal"] == true)
      let difference = try json("checkpoint diff run/step-000000004 run --json", folder)
      #expect(difference["equal"] == false)
      guard case .array(let rows)? = difference["tensors"], case .number(let greatest)? = rows.first?["greatest_difference"] else {
        throw ToolRun.Failure(description: "\(difference)")
      }
      #expect(greatest > 0)
      #expect(try ToolRun("checkpoint diff run/step-000000004 run", in: folder).output.contains("step"))

      // A checkpoint is a model: evaluated as its export would be, with the run's data and normalisation.
      let exported = try ToolRun("export --checkpoint run/latest --to again.onnx", in: folder)
      #expect(exported.exitCode == 0, "\(exported.errors)")
      #expect(try folder.bytes("again.onnx") == folder.bytes("int8.onnx"))
      let asFile = try ToolRun("evaluate --model int8.onnx --data synthetic:1,28,28,10,64 --json", in: folder)
      let asCheckpoint = try ToolRun("evaluate --model run --json", in: folder)
      let values = try [asFile, asCheckpoint].map { JSONValue(try $0.json()) }
      #expect(values[0]["top1"] == values[1]["top1"] && values[0]["count"] == values[1]["count"])
      let early = try ToolRun("export --checkpoint run/step-000000002 --to early.onnx", in: folder)
      #expect(early.exitCode == 0 && early.errors.contains("step 2 of"))
      // Another run begins from its weights, with quantizers of its own.
      let next = try ToolRun("train --config int8.json --model run --data synthetic:1,28,28,10,64 --checkpoint-dir next", in: folder)
      #expect(next.exitCode == 0, "\(next.errors)")
      #expect(next.errors.contains("quantizers") || next.output.contains("fine-tuned"))
    }

    @Test func damageIsSaidInASentenceAndEndsWith4() throws {
      let folder = try trained()
      try damage("run/step-000000006/model.safetensors", folder)
      for line in ["verify run", "verify run/step-000000006", "show run/step-000000006", "diff run/step-000000006 run/step-000000004"] {
        let run = try ToolRun("checkpoint \(line)", in: folder)
        #expect(run.exitCode == 4, "\(line): \(run.errors)")
        #expect(run.output.contains("step-000000006/model.safetensors is damaged: its checksum is"), "\(line): \(run.output)")
        #expect(try ToolRun("checkpoint \(line) --json", in: folder).exitCode == 4)
      }
      let list = try ToolRun("checkpoint ls run", in: folder)
      #expect(list.exitCode == 0 && list.output.contains("NO") && list.output.contains("is damaged"))
      // What is not damaged is shown all the same.
      #expect(try json("checkpoint show run/step-000000006 --json", folder, exitCode: 4)["step"] == 6)
      // The run falls back where it was not asked for a checkpoint by name, and says so.
      let exported = try ToolRun("export --checkpoint run --to fallback.onnx", in: folder)
      #expect(exported.exitCode == 0 && exported.errors.contains("step 4 of") && exported.errors.contains("cannot be used"))
      #expect(try ToolRun("export --checkpoint run/step-000000006 --to never.onnx", in: folder).exitCode == 4)
      for line in ["ls nowhere", "verify nowhere", "show nowhere", "diff nowhere run"] {
        #expect(try ToolRun("checkpoint \(line)", in: folder).exitCode == 4, "\(line)")
      }
    }

    @Test func goingOnWithAnotherConfigurationNeedsPermission() throws {
      let folder = try Scratch()
      let data = "synthetic:1,28,28,10,64"
      let line = "train --config fp32.json --data \(data) --checkpoint-dir run --resume auto"
      try #require(try ToolRun("\(line) --max-steps 1", in: folder).exitCode == 0)
      let configuration = try String(contentsOf: folder.url("fp32.json"), encoding: .utf8)
      try folder.write("fp32.json", configuration.replacingOccurrences(of: "\"base_lr\": 0.05", with: "\"base_lr\": 0.01, \"momentum\": 0.8"))
      let refused = try ToolRun(line, in: folder)
      #expect(refused.exitCode == 3)
      #expect(refused.errors.contains("optimizer.base_lr is 0.01, the checkpoint has 0.05"))
      #expect(refused.errors.contains("--allow learning_rate,momentum"))
      #expect(try ToolRun("\(line) --allow learning_rate", in: folder).exitCode == 3)
      let allowed = try ToolRun("\(line) --allow learning_rate,momentum", in: folder)
      #expect(allowed.exitCode == 0, "\(allowed.errors)")
      let batch = try ToolRun("\(line) --batch-size 16 --allow learning_rate --allow momentum", in: folder)
      #expect(
        batch.exitCode == 3 && batch.errors.contains("For the same steps say --batch-size 16 --accumulation-steps 2 (or --batch-size 32"),
        "\(batch.errors)")
      let seed = try ToolRun("\(line) --seed 9 --allow learning_rate,momentum", in: folder)
      #expect(seed.exitCode == 3 && seed.errors.contains("seed is 9, the checkpoint has 1"))
      let misspelt = try ToolRun("\(line) --allow learning_rat", in: folder)
      #expect(misspelt.exitCode == 64 && misspelt.errors.contains("did you mean 'learning_rate'"))
      for never in ["model", "data", "seed"] { #expect(try ToolRun("\(line) --allow \(never)", in: folder).exitCode == 64) }
    }
  }
}
