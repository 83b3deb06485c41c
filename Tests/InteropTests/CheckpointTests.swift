import Foundation
import QATCommunication
import QATData
import QATEngine
import QATModels
import QATTensor
import QATTraining
import Testing

@Suite("Checkpoints in Python")
struct CheckpointTests {
  private struct Entry: Decodable, Equatable {
    var type: String
    var shape: [Int]
    var bytes: String

    init(_ tensor: Tensor) {
      type = "float32"
      shape = tensor.shape
      bytes = (tensor.floats ?? []).withUnsafeBytes { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }
  }

  @Test("the safetensors package reads every tensor of a checkpoint, bit for bit")
  func everyTensor() throws {
    let folder = try TemporaryFolder()
    var b = NetworkBuilder(name: "net", input: [1, 8, 8], seed: 2)
    let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv", channels: 8, kernel: 3, pad: 1), "bn"), "relu")
    let scores = b.linear(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "fc", features: 4)
    let graph = b.graph(output: scores)
    var configuration = RunConfiguration()
    configuration.batchSize = 8
    configuration.maxSteps = 3
    configuration.optimizer = OptimizerConfiguration(.adamW)
    let data = try openDataset("synthetic:1,8,8,4,80", split: .train)
    let directory = CheckpointDirectory(folder.file("run"))
    try directory.prepare()
    let state = try ModelState(graph)
    let result = try Trainer(
      .init(
        graph: graph, state: state, training: data, validation: nil, configuration: configuration, directory: directory,
        identity: RunIdentity(model: graph, configuration: configuration, dataset: data)), communicator: SingleProcess(), showsProgress: false
    ).run()
    let checkpoint = try #require(result.checkpoint)
    let saved = try CheckpointDirectory.read(checkpoint)
    #expect(saved.model == state.tensors() && saved.optimizer.count == 2 * state.parameterSlots.count)
    for (file, tensors) in [("model", saved.model), ("optimizer", saved.optimizer)] {
      let read = try PythonRuntime.run("tensors.py", ["\(checkpoint)/\(file).safetensors"], as: [String: Entry].self)
      #expect(read == tensors.mapValues { Entry($0) }, "\(file)")
    }
  }
}
