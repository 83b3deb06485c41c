import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// Fewer than 8 bits, from the configuration to the exported file.
  @Suite struct LowBitTests {
    private let network = "\"model\": \"mobilenet_small\", \"batch_size\": 8, \"data\": { \"train\": \"synthetic:1,28,28,10,64\" }"

    @Test(arguments: [
      ("TRIAL", #""weights": { "bits": 3, "per_channel": true }, "activations": { "bits": 4 }"#, [3], [4]),
      ("NPU", #""weights": { "bits": 4 }, "scope_overrides": { "weights": { "{re}^features.0": { "bits": 8 } } }"#, [4, 8], [8]),
    ])
    func trainAndExport(device: String, groups: String, weightBits: [Int], activationBits: [Int]) throws {
      let folder = try Scratch()
      let initializer = #""initializer": { "range": { "num_init_samples": 32 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 32 } }"#
      let section = #"{ "algorithm": "quantization", \#(initializer), \#(groups) }"#
      try "{ \(network), \"target_device\": \"\(device)\", \"compression\": \(section) }".write(
        to: folder.url("low.json"), atomically: true, encoding: .utf8)
      let tuned = try ToolRun("train --config low.json --checkpoint-dir run --max-steps 2 --export low.onnx", in: folder)
      try #require(tuned.exitCode == 0, "\(tuned.errors)")
      let evaluated = try ToolRun("evaluate --model low.onnx --data synthetic:1,28,28,10,64 --json", in: folder)
      try #require(evaluated.exitCode == 0, "\(evaluated.errors)")
      guard case .number(let loss) = try #require(try JSONValue(evaluated.json())["loss"]) else {
        throw ToolRun.Failure(description: evaluated.output)
      }
      #expect(loss.isFinite)

      let inspected = try ToolRun("inspect --model mobilenet_small --config low.json --quantizers --json", in: folder)
      try #require(inspected.exitCode == 0, "\(inspected.errors)")
      guard case .array(let list) = try #require(try JSONValue(inspected.json())["quantizers"]) else { return }
      func bits(_ kind: JSONValue) -> Set<JSONValue> { Set(list.filter { $0["kind"] == kind }.compactMap { $0["bits"] }) }
      #expect(bits("weight") == Set(weightBits.map(JSONValue.integer)))
      #expect(bits("activation") == Set(activationBits.map(JSONValue.integer)))
    }

    @Test func bitsThatTheDeviceLacksAreRefusedBeforeTraining() throws {
      let folder = try Scratch()
      try #"{ \#(network), "target_device": "CPU", "compression": { "algorithm": "quantization", "weights": { "bits": 4 } } }"#.write(
        to: folder.url("low.json"), atomically: true, encoding: .utf8)
      let refused = try ToolRun("train --config low.json --checkpoint-dir run --max-steps 2", in: folder)
      #expect(refused.exitCode == 65)
      #expect(refused.errors.contains("low.json:1: compression.weights.bits: the device CPU has no weights of 4 bits; expected 8"))
      #expect(!FileManager.default.fileExists(atPath: folder.url("run").path))
    }
  }
}
