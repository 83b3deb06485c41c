import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// Mixed precision, from the configuration to the exported file.
  @Suite struct MixedPrecisionTests {
    private func configuration(_ precision: String, in folder: Scratch, _ name: String) throws {
      let initializer = #"""
        "range": { "num_init_samples": 32 }, "batchnorm_adaptation": { "num_bn_adaptation_samples": 32 }, "precision": \#(precision)
        """#
      let network =
        #""model": "resnet_small", "batch_size": 8, "data": { "train": "synthetic:1,28,28,10,64" }, "target_device": "TRIAL", "log_dir": "logs""#
      try #"{ \#(network), "compression": { "algorithm": "quantization", "initializer": { \#(initializer) } } }"#.write(
        to: folder.url(name), atomically: true, encoding: .utf8)
    }

    private func widths(_ model: String, _ folder: Scratch) throws -> [JSONValue] {
      let inspected = try ToolRun("inspect --model \(model) --quantizers --json", in: folder)
      try #require(inspected.exitCode == 0, "\(inspected.errors)")
      guard case .array(let list) = try #require(try JSONValue(inspected.json())["quantizers"]) else { return [] }
      return list.compactMap { $0["bits"] }
    }

    @Test func measuredReadAndWrittenByHandGiveTheSameNetwork() throws {
      let folder = try Scratch()
      let common = #""type": "hawq", "bits": [4, 8], "compression_ratio": 1.3, "dump_init_precision_data": true"#
      try configuration(#"{ \#(common), "num_data_points": 32, "iter_number": 3 }"#, in: folder, "measured.json")
      let tuned = try ToolRun("train --config measured.json --checkpoint-dir run --max-steps 1 --export measured.onnx", in: folder, ranks: 2)
      try #require(tuned.exitCode == 0, "\(tuned.errors)")
      #expect(tuned.errors.contains("Bit widths by the curvature of the loss"))
      #expect(tuned.errors.contains("Traces from 3 probes"))
      let text = try String(contentsOf: folder.url("logs/bitwidth_per_scope.json"), encoding: .utf8)
      let pairs = try #require(try JSONDocument.parse(text, file: "pairs").root["bitwidth_per_scope"]?.array)
      let chosen = Set(pairs.compactMap { $0.array?[0].number?.integer })
      #expect(chosen == [4, 8])
      #expect(FileManager.default.fileExists(atPath: folder.url("logs/hawq_candidates.csv").path))

      // A run goes on with what was chosen, and measures nothing.
      let resumed = try ToolRun("train --config measured.json --checkpoint-dir run --max-steps 2 --resume auto", in: folder, ranks: 2)
      try #require(resumed.exitCode == 0, "\(resumed.errors)")
      #expect(!resumed.errors.contains("Bit widths by the curvature"))

      try configuration(#"{ \#(common), "traces_per_layer_path": "logs/hawq_traces.json" }"#, in: folder, "read.json")
      let read = try ToolRun("quantize --config read.json --export read.onnx", in: folder)
      try #require(read.exitCode == 0, "\(read.errors)")
      #expect(read.errors.contains("Traces from a file"))
      #expect(try String(contentsOf: folder.url("logs/bitwidth_per_scope.json"), encoding: .utf8) == text)

      let list = try #require(text.firstRange(of: ":")).upperBound
      try configuration(#"{ "bitwidth_per_scope": \#(text[list...].dropLast(2)) }"#, in: folder, "manual.json")
      let manual = try ToolRun("quantize --config manual.json --export manual.onnx", in: folder)
      try #require(manual.exitCode == 0, "\(manual.errors)")
      // The same network, of another configuration: the files differ in that note alone.
      func withoutNotes(_ name: String) throws -> Data {
        let copy = folder.url("without-notes-\(name)")
        try ONNXFile.write(lower(ONNXFile.read(contentsOf: folder.url(name).path)), to: copy.path)
        return try Data(contentsOf: copy)
      }
      #expect(try withoutNotes("manual.onnx") == withoutNotes("read.onnx"))
      let notes = try ["manual.onnx", "read.onnx"].map { try ONNXFile.metadata(contentsOf: folder.url($0).path) }
      #expect(notes[0][CompressionController.fingerprintKey] != notes[1][CompressionController.fingerprintKey])

      let checked = try ToolRun("config print read.json", in: folder)
      #expect(checked.output.contains("\"bitwidth_assignment_mode\": \"liberal\""), "\(checked.output)")
      let placed = try ToolRun("inspect --model resnet_small --config read.json --quantizers --json", in: folder)
      try #require(placed.exitCode == 0, "\(placed.errors)")
      guard case .array(let quantizers) = try #require(try JSONValue(placed.json())["quantizers"]) else { return }
      #expect(Set(quantizers.compactMap { $0["bits"] }) == [4, 8])
      #expect(!(try widths("manual.onnx", folder)).isEmpty)
    }
  }
}
