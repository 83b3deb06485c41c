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

  @Test func layersOneAfterTheOther() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet docs/models.md
        let network = try Sequential(
          "lenet", input: [1, 28, 28],
          [
            .convolution(8, kernel: 3, pad: 1, hasBias: false), .batchNormalization, .relu, .maxPool(kernel: 2, stride: 2),
            .residual([.convolution(8, kernel: 3, pad: 1), .relu]).named("block"),
            .flatten, .dropout(0.1), .linear(10).named("classifier"),
          ]
        ).graph(seed: 1)
        print(try network.summary())
        let model = try Model(network)
        // end of snippet
        try model.fit(DataLoader(openDataset("data", split: .train), batchSize: 16), epochs: 1)
      }
    }
  }

  @Test func anyGraph() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet docs/models.md
        var net = NetworkBuilder(name: "two_paths", input: [3, 32, 32])
        let stem = net.relu(net.convolution(net.input, "stem", channels: 16, kernel: 3, pad: 1), "stem.relu")
        let left = net.convolution(stem, "left", channels: 8, kernel: 1)
        let right = net.maxPool(stem, "right", kernel: 3, stride: 1, pad: 1)
        let joined = net.concatenation([left, right], "join")
        let scores = net.linear(net.flatten(net.globalAveragePool(joined, "pool"), "flatten"), "fc", features: 10)
        let model = try Model(net.graph(output: scores, named: "logits"))
        // end of snippet
        guard try model.predict(Tensor(repeating: 0, shape: [2, 3, 32, 32])).shape == [2, 10] else { throw Workspace.Missing(file: "scores") }
      }
    }
  }

  @Test func architectures() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        // snippet docs/models.md
        let model = try Model(architecture: "resnet_small", classes: 10, seed: 3)
        print(model.graph.parameterCount)
        // end of snippet
        guard model.graph.outputs == ["logits"] else { throw Workspace.Missing(file: "logits") }
      }
    }
  }

  @Test func weightsFromElsewhere() async {
    await #expect(processExitsWith: .success) {
      Workspace.run {
        let published = try Model(architecture: "resnet_small", seed: 8)
        try published.saveWeights("resnet_small.safetensors")
        // snippet docs/models.md
        let model = try Model(architecture: "resnet_small", weights: .constant(0))
        try model.loadWeights("resnet_small.safetensors")
        let other = try Model(architecture: "resnet_small", classes: 3)
        let match = try other.loadWeights("net.onnx", strict: false)
        print(match.missing, match.unexpected, match.misfits)
        // end of snippet
        guard model.stateDictionary == published.stateDictionary else { throw Workspace.Missing(file: "weights") }
        guard match.misfits.map(\.name) == ["fc.bias", "fc.weight"], match.missing.isEmpty, match.unexpected.isEmpty else {
          throw Workspace.Missing(file: "what does not fit")
        }
      }
    }
  }
}
