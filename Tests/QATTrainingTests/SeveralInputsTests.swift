import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATQuantization
import QATTensor
import Testing

@testable import QATTraining

@Suite("Networks with several inputs and other targets than a class")
struct SeveralInputsTests {
  /// scores = weight · (a − b), of two inputs.
  private func network(outputs: Int) -> Graph {
    Graph(
      name: "two", inputs: ["a", "b"].map { .init(name: $0, type: TensorType([.batch, .fixed(4)])) }, outputs: ["scores"],
      nodes: [
        Node(name: "difference", op: Sub(), inputs: ["a", "b"], outputs: ["x"]),
        Node(name: "fc", op: Gemm(transposesB: true), inputs: ["x", "weight"], outputs: ["scores"]),
      ], constants: ["weight": .init(Tensor((0..<4 * outputs).map { Float($0 % 3) / 10 }, shape: [outputs, 4]), .parameter)])
  }

  /// Random vectors, in another order than the network's and with one that it does not have. Targets follow from a − b.
  private struct Differences: Dataset {
    let name = "differences", count = 128, contentHash: UInt64 = 1
    let inputs = [SampleInput("b", .tensor([4])), SampleInput("unused", .tensor([2])), SampleInput("a", .tensor([4]))]
    let target: SampleTarget

    func read(_ index: Int, into sample: Sample) {
      let key = RandomKey(seed: 4, purpose: .syntheticData, 0, index)
      for place in 0..<4 {
        sample.input(0)[place] = key.uniform(at: place)
        sample.input(2)[place] = key.uniform(at: 4 + place)
      }
      let first = sample.input(2)[0] - sample.input(0)[0]
      if sample.classes.isEmpty { sample.numbers[0] = 3 * first } else { sample.classes[0] = first > 0 ? 1 : 0 }
    }
    func classLabel(at index: Int) -> Int32? {
      let key = RandomKey(seed: 4, purpose: .syntheticData, 0, index)
      return key.uniform(at: 4) > key.uniform(at: 0) ? 1 : 0
    }
  }

  private func train(_ target: SampleTarget, _ loss: LossConfiguration, outputs: Int, quantizes: Bool = false) throws -> (
    before: Evaluation, after: Evaluation
  ) {
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs, configuration.loss) = (16, 12, loss)
    configuration.optimizer.baseLearningRate = 0.3
    let (graph, data) = (network(outputs: outputs), Differences(target: target))
    let judge = try configuration.makeLoss(of: graph, target: target, smooths: false)
    func evaluation(_ graph: Graph) throws -> Evaluation {
      try evaluate(graph, dataset: data, preprocessing: Preprocessing(), communicator: SingleProcess(), loss: judge)
    }
    var controller: CompressionController?
    if quantizes {
      configuration.nncf.quantization = QuantizationConfiguration()
      controller = try createCompressedModel(
        graph, configuration.nncf, calibration: CalibrationSource(dataset: data, preprocessing: Preprocessing(), count: 64, seed: 0),
        communicator: SingleProcess())
    }
    let trained = controller?.graph ?? graph
    let trainer = try Trainer(
      .init(
        graph: trained, state: try ModelState(trained), training: data, validation: data, configuration: configuration, controller: controller,
        identity: RunIdentity(model: graph, configuration: configuration, dataset: data)), communicator: SingleProcess(), showsProgress: false)
    let result = try trainer.run()
    return (try evaluation(graph), try #require(result.evaluation))
  }

  @Test("inputs are fed by their names, in fp32 and quantized", arguments: [false, true])
  func classes(quantizes: Bool) throws {
    let (before, after) = try train(.classes(shape: [], count: 2), .crossEntropy, outputs: 2, quantizes: quantizes)
    #expect(after.top1 > 0.93 && after.top1 > before.top1 && after.loss < before.loss)
  }

  @Test("numbers are learnt", arguments: [LossConfiguration(.mse), LossConfiguration(.l1), LossConfiguration(.huber)])
  func numbers(_ loss: LossConfiguration) throws {
    let (before, after) = try train(.numbers(shape: []), loss, outputs: 1)
    #expect(after.loss < 0.2 * before.loss && after.positions == 0)
  }

  @Test("an input that the samples do not have is named, with those that they have")
  func missing() throws {
    var graph = network(outputs: 2)
    graph.inputs[0].name = "c"
    graph.nodes[0].inputs[0] = "c"
    #expect {
      try evaluate(graph, dataset: Differences(target: .classes(shape: [], count: 2)), preprocessing: Preprocessing(), communicator: SingleProcess())
    } throws: { "\($0)".contains("none is called 'c'") && "\($0)".contains("'unused' [2]") }
    let numbers = Differences(target: .numbers(shape: []))
    #expect { try evaluate(network(outputs: 2), dataset: numbers, preprocessing: Preprocessing(), communicator: SingleProcess()) } throws: {
      "\($0)".contains("numbers of the shape [] as its target")
    }
  }
}
