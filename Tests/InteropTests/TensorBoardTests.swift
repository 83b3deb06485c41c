import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTensorBoard
import QATTraining
import Testing

/// What TensorBoard's own readers find in our event files.
struct TensorBoardEvents: Decodable {
  struct DrawnNode: Decodable {
    var name: String
    var type: String
    var inputs: [String]
    var shapes: [[Int]]
  }

  /// Step and value of each point, by the curve's name.
  var scalars: [String: [[Double]]]
  var histograms: [String: [HistogramOfStep]]
  var texts: [String: String]
  var graph: [DrawnNode]

  struct HistogramOfStep: Decodable {
    var step: Int
    /// Left end, right end and count of each interval.
    var intervals: [[Double]]

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      step = try container.decode(Int.self)
      intervals = try container.decode([[Double]].self)
    }
  }

  init(in folder: String) throws { self = try PythonRuntime.run("tensorboard_events.py", [folder]) }
}

@Suite("TensorBoard's readers")
struct TensorBoardTests {
  @Test("curves, histograms, texts and the network come out as they were written")
  func everything() throws {
    let folder = try TemporaryFolder()
    var net = NetworkBuilder(name: "net", input: [2, 8, 8])
    let x = net.relu(net.convolution(net.input, "conv<1>", channels: 4, kernel: 3), "relu")
    let graph = net.graph(output: x)
    let quantized = try graph.inserting(placeQuantizers(in: graph, QuantizationConfiguration(), device: .any).setup)
    let file = try EventFile(in: folder.path)
    try file.graph(quantized)
    for step in 1...3 { file.scalars([("train/loss", 1 / Double(step)), ("train/learning_rate", 0.5)], step: step) }
    let values: [Float] = [-1, -0.5, 0, 0.25, .nan, 2, 2]
    file.histograms([("weights/conv", try #require(Histogram(values)))], step: 3)
    file.text("**bold** & <b>", tag: "configuration", step: 0)

    let events = try TensorBoardEvents(in: folder.path)
    #expect(events.scalars["train/loss"] == [[1, 1], [2, 0.5], [3, Double(Float(1) / 3)]])
    #expect(events.scalars["train/learning_rate"]?.count == 3)
    #expect(events.texts == ["configuration": "**bold** & <b>"])
    let histogram = try #require(events.histograms["weights/conv"]?.first)
    #expect(histogram.step == 3)
    #expect(histogram.intervals.reduce(0) { $0 + $1[2] } == 6)
    #expect(histogram.intervals.last?[1] == 2 && histogram.intervals.last?[2] == 2)
    #expect(histogram.intervals.allSatisfy { interval in interval[2] == 0 || values.contains { interval[0]...interval[1] ~= Double($0) } })
    #expect(events.graph.map(\.type) == ["Placeholder", "Const", "FakeQuantize", "Const", "Const", "FakeQuantize", "Conv", "Relu"])
    let convolution = try #require(events.graph.first { $0.type == "Conv" })
    #expect(convolution.name == "conv_1_" && convolution.shapes == [[-1, 4, 6, 6]])
    #expect(convolution.inputs.prefix(2) == ["input/OUTPUT", "conv_1_/WEIGHT"])
    let names = Set(events.graph.map(\.name))
    #expect(names.count == events.graph.count && events.graph.flatMap(\.inputs).allSatisfy { names.contains($0) })
  }

  @Test("a run that is resumed replaces what it does again")
  func resumed() throws {
    let folder = try TemporaryFolder()
    let first = try EventFile(in: folder.path)
    for step in 1...5 { first.scalars([("train/loss", 1)], step: step) }
    let second = try EventFile(in: folder.path, after: 3)
    for step in 4...6 { second.scalars([("train/loss", 2)], step: step) }
    #expect(first.path != second.path)
    #expect(try TensorBoardEvents(in: folder.path).scalars["train/loss"] == [[1, 1], [2, 1], [3, 1], [4, 2], [5, 2], [6, 2]])
  }

  /// Runs 10 steps, 5 an epoch, from a checkpoint when there is one.
  private func train(upTo steps: Int, in folder: String) throws {
    var net = NetworkBuilder(name: "net", input: [1, 8, 8])
    let x = net.relu(net.convolution(net.input, "conv", channels: 4, kernel: 3), "relu")
    let scores = net.linear(net.flatten(net.globalAveragePool(x, "pool"), "flatten"), "fc", features: 3)
    let source = net.graph(output: scores)
    let data = try openDataset("synthetic:1,8,8,3,40", split: .train)
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs, configuration.maxSteps) = (8, 2, steps)
    configuration.nncf.quantization = QuantizationConfiguration()
    let samples = try CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 8, seed: 0)
    let directory = CheckpointDirectory(folder)
    try directory.prepare()
    let identity = RunIdentity(model: source, configuration: configuration, dataset: data, validation: data)
    let loaded = try directory.load(.auto, identity: identity, allowing: [], communicator: SingleProcess())
    let controller = try createCompressedModel(
      source, configuration.nncf, calibration: samples, communicator: SingleProcess(), compressionState: loaded?.checkpoint.state.compression)
    var task = Trainer.Task(
      graph: controller.graph, state: try ModelState(controller.graph), training: data, validation: data, configuration: configuration,
      controller: controller, directory: directory, identity: identity)
    task.callbacks = [TensorBoardLog(directory.eventsPath, every: 2, samples: samples)]
    _ = try Trainer(task, communicator: SingleProcess(), resuming: loaded?.checkpoint, showsProgress: false).run()
  }

  @Test("a run that stops and goes on is one set of curves, with weights, activations and quantizers after each epoch")
  func run() throws {
    let folder = try TemporaryFolder()
    try train(upTo: 7, in: folder.path)
    try train(upTo: 10, in: folder.path)
    let events = try TensorBoardEvents(in: "\(folder.path)/tensorboard")
    // Every second step; the first part ended with its seventh.
    #expect(events.scalars["train/loss"]?.map { $0[0] } == [2, 4, 6, 7, 8, 10])
    #expect(events.scalars["train/learning_rate"]?.allSatisfy { $0[1] > 0 } == true)
    #expect(events.scalars["validation/top1"]?.map { $0[0] } == [5, 7, 10])
    for name in ["weights/conv.weight", "activations/input|OUTPUT", "activations/relu|OUTPUT", "quantizers/conv|WEIGHT.scale"] {
      #expect(events.histograms[name]?.map(\.step) == [0, 5, 10], "\(name) among \(events.histograms.keys.sorted())")
    }
    // Eight samples of 64 pixels.
    #expect(events.histograms["activations/input|OUTPUT"]?[0].intervals.reduce(0) { $0 + $1[2] } == 512)
    #expect(events.graph.contains { $0.type == "FakeQuantize" } && events.texts["configuration"]?.contains("batch_size") == true)
  }
}
