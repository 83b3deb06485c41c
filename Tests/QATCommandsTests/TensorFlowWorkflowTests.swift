import Foundation
import QAT
import Testing

@testable import QATCommands

extension ToolTests {
  /// TensorFlow's files wherever ONNX's can stand.
  @Suite struct TensorFlowWorkflowTests {
    private let data = Scratch.data

    private func ran(_ line: String, _ folder: Scratch) throws -> ToolRun {
      let run = try ToolRun(line, in: folder)
      try #require(run.exitCode == 0, "\(line): \(run.errors)")
      return run
    }

    private func accuracy(_ model: String, _ folder: Scratch) throws -> JSONValue? {
      try JSONValue(ran("evaluate --model \(model) --data \(data) --json", folder).json())["top1"]
    }

    @Test func eachFormatIsReadAndWrittenByEveryCommand() throws {
      let folder = try Scratch()
      let line = "train --config fp32.json --data \(data) --epochs 2 --checkpoint-dir run --export fp32.pb --export fp32.onnx"
      _ = try ran(line, folder)
      #expect(try accuracy("fp32.pb", folder) == accuracy("fp32.onnx", folder))

      // The integers of one run are the same in either format. Those of the two sources are not: a frozen graph does not say batch norm's momentum.
      for source in ["pb", "onnx"] {
        let exports = "--export \(source)-int8.pb --export \(source)-int8.onnx"
        _ = try ran("quantize --config int8.json --model fp32.\(source) --data \(data) \(exports)", folder)
        #expect(try accuracy("\(source)-int8.pb", folder) == accuracy("\(source)-int8.onnx", folder), "\(source)")
      }
      let inspected = try JSONValue(ran("inspect --model pb-int8.pb --quantizers --json", folder).json())
      guard case .array(let quantizers)? = inspected["quantizers"] else { throw ToolRun.Failure(description: "no quantizers: \(inspected)") }
      #expect(quantizers.count { $0["kind"] == "weight" } == 10)

      // A run that starts from a frozen graph ends in one, and its checkpoints are exported as either format.
      _ = try ran("train --config int8.json --model fp32.pb --data \(data) --max-steps 2 --checkpoint-dir tuned --export tuned.pb", folder)
      _ = try ran("export --checkpoint tuned --to again.pb", folder)
      #expect(try folder.bytes("again.pb") == folder.bytes("tuned.pb"))
      _ = try ran("export --checkpoint tuned --to tuned.model --format onnx", folder)
      #expect(try accuracy("tuned.model --format onnx", folder) == accuracy("tuned.pb", folder))
    }

    /// As `TFCompressionStateLoader` restores first the compression state alone, and a second checkpoint object the model.
    @Test func theCompressionStateIsRestoredBeforeTheModel() throws {
      let folder = try Scratch()
      _ = try ran("train --config fp32.json --data \(data) --max-steps 2 --checkpoint-dir run --export fp32.pb", folder)
      _ = try ran("train --config int8.json --model fp32.pb --data \(data) --max-steps 2 --checkpoint-dir tuned --export tuned.pb", folder)
      let checkpoint = try #require(try CheckpointDirectory(folder.url("tuned").path).load(.latest)).checkpoint

      let state = try JSONEncoder().encode(try #require(checkpoint.state.compression))
      let restored = try JSONDecoder().decode(CompressionState.self, from: state)
      let configuration = try RunConfiguration(contentsOf: folder.url("int8.json").path)
      let graph = try TensorFlowFile.read(contentsOf: folder.url("fp32.pb").path)
      let controller = try createCompressedModel(graph, configuration.nncf, calibration: nil, compressionState: restored)
      #expect(controller.compressionState == restored)

      var model = controller.graph
      for (name, tensor) in checkpoint.model { model.constants[name]?.tensor = tensor }
      try TensorFlowFile.write(
        lower(model), to: folder.url("again.pb").path, metadata: ModelMetadata.strings(configuration.data.preprocessing, controller))
      #expect(try folder.bytes("again.pb") == folder.bytes("tuned.pb"))
    }
  }
}
