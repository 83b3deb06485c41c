import Foundation
import QAT
import Testing

/// The blocks of README.md and of the other pages.
@Suite("Snippets of pages", .serialized)
struct PageSnippets {
  @Test func readme() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet README.md
        let fp32 = try Model.load("net.onnx")
        let data = DataLoader(
          try openDataset("data", split: .train), batchSize: 64, preprocessing: Preprocessing(mean: [0.286], std: [0.353], flip: true))
        let config = registerDefaultInitArgs(try NNCFConfig(contentsOf: "int8.json"), data)

        let (controller, model) = try createCompressedModel(fp32, config)
        print(controller.statistics())
        try model.fit(data, validation: openDataset("data", split: .test), epochs: 2)
        try controller.exportModel(to: "int8.onnx")
        // end of snippet
        try Workspace.require("int8.onnx")
      }
    }
  }

  @Test func ownData() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet docs/data.md
        struct Squares: ImageDataset {
          let name = "squares", count = 1000, sampleShape = [1, 8, 8], classCount = 2, contentHash: UInt64 = 1
          func label(at index: Int) -> Int32 { Int32(index % 2) }
          func readSample(_ index: Int, into pixels: UnsafeMutableBufferPointer<Float>) { pixels.update(repeating: Float(index % 2)) }
        }
        let data = DataLoader(Squares(), batchSize: 64)
        // end of snippet
        guard try data.batches().next()?.count == 64 else { throw Workspace.Missing(file: "a batch of squares") }
      }
    }
  }

  @Test func restoringInTwoPhases() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        do {
          let (_, loader, config, _, _) = try Workspace.quantized()
          let (_, model) = try createCompressedModel(try Model.load("net.pb"), config)
          try model.fit(loader, epochs: 1, callbacks: [CheckpointManagerCallback("run")])
        }
        // snippet docs/tensorflow.md
        let saved = try Checkpoint.restore(from: "run")
        // 1. The compression state alone: where quantizers are and of what kind. It stands as JSON in the checkpoint's state.json.
        let (controller, model) = try createCompressedModel(
          try Model.load("net.pb"), try NNCFConfig(contentsOf: "int8.json"), compressionState: saved.compressionState)
        // 2. The model: weights, statistics and ranges by name.
        try model.load(stateDictionary: saved.stateDictionary)
        try controller.exportModel(to: "int8.pb")
        // end of snippet
        try Workspace.require("int8.pb")
      }
    }
  }
}
