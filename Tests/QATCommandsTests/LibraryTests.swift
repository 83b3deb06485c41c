import Foundation
import QAT
import Testing

extension ToolTests {
  /// The library as the README shows it.
  @Suite struct LibraryTests {
    @Test func quantizesANetworkInAFewLines() throws {
      let folder = try Scratch()
      let network = try #require(architecture(named: "resnet_small", classes: 10))
      try ONNXFile.write(network, to: folder.url("net.onnx").path)

      let graph = try ONNXFile.read(contentsOf: folder.url("net.onnx").path)
      let data = try openDataset(Scratch.data, split: .train)
      let calibration = try CalibrationSource(dataset: data, preprocessing: Preprocessing(mean: [0.286], std: [0.353]), count: 64, seed: 0)
      let controller = try createCompressedModel(graph, try NNCFConfig(contentsOf: folder.url("int8.json").path), calibration: calibration)
      #expect(controller.statistics().description.contains("Placed WQs"))
      try ONNXFile.write(try lower(controller.graph), to: folder.url("int8.onnx").path, metadata: [:])

      let quantized = try ONNXFile.read(contentsOf: folder.url("int8.onnx").path)
      #expect(quantized.nodes.count { $0.op is FakeQuantize } >= 20)
      #expect(!quantized.nodes.contains { $0.op is BatchNormalization })
    }

    @Test func fineTunesANetworkInAFewLines() throws {
      let folder = try Scratch()
      let graph = try #require(architecture(named: "resnet_small", classes: 10))
      let data = try openDataset(Scratch.data, split: .train)
      let calibration = try CalibrationSource(dataset: data, preprocessing: Preprocessing(mean: [0.286], std: [0.353]), count: 32, seed: 0)
      try withCommunicator { ranks in
        let configuration = try RunConfiguration(contentsOf: folder.url("int8.json").path)
        let controller = try createCompressedModel(graph, configuration.nncf, calibration: calibration)
        try controller.distributed()
        let state = try ModelState(controller.graph)
        let identity = RunIdentity(model: graph, configuration: configuration, dataset: data)
        let task = Trainer.Task(
          graph: controller.graph, state: state, training: data, validation: nil, configuration: configuration, controller: controller,
          identity: identity)
        #expect(try Trainer(task, showsProgress: false).run().steps == 8)
        #expect(ranks.size == 1)
      }
    }
  }
}
