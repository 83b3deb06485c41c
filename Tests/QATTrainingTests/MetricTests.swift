import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATTensor
import Testing

@testable import QATTraining

/// Against definitions, computed from all samples at once.
@Suite("Metrics")
struct MetricTests {
  /// A network that gives its input, [values].
  private func network(_ shape: [Int]) -> Graph {
    Graph(
      name: "net", inputs: [.init(name: "x", type: TensorType([.batch] + shape.map { .fixed($0) }))], outputs: ["scores"],
      nodes: [Node(name: "copy", op: Mul(), inputs: ["x", "factor"], outputs: ["scores"])],
      constants: ["factor": .init(Tensor([1], shape: [1]), .parameter)])
  }

  /// Random scores and targets.
  private struct Scores: Dataset {
    let name = "scores", count = 23, contentHash: UInt64 = 1
    let shape: [Int]
    let target: SampleTarget
    var inputs: [SampleInput] { [SampleInput(nil, .tensor(shape))] }

    func values(_ index: Int) -> [Float] {
      (0..<shape.reduce(1, *)).map { 4 * RandomKey(seed: 1, purpose: .syntheticData, 0, index).uniform(at: $0) - 2 }
    }
    func classes(_ index: Int) -> [Int32] {
      (0..<target.elementCount).map { place in
        let label = RandomKey(seed: 1, purpose: .syntheticData, 1, index).integer(below: 5, at: place)
        return label == 4 ? -100 : Int32(label)
      }
    }
    func numbers(_ index: Int) -> [Float] {
      (0..<target.elementCount).map { Float(RandomKey(seed: 1, purpose: .syntheticData, 2, index).integer(below: 2, at: $0)) }
    }
    func read(_ index: Int, into sample: Sample) {
      _ = sample.input(0).update(fromContentsOf: values(index))
      if sample.classes.isEmpty {
        _ = sample.numbers.update(fromContentsOf: numbers(index))
      } else {
        _ = sample.classes.update(fromContentsOf: classes(index))
      }
    }
  }

  private func measure(_ data: Scores, _ loss: LossConfiguration, _ metrics: [Metric], reference: Graph? = nil, batchSize: Int = 7) throws
    -> Evaluation
  {
    var configuration = RunConfiguration()
    configuration.loss = loss
    let graph = network(data.shape)
    return try evaluate(
      graph, dataset: data, preprocessing: Preprocessing(), batchSize: batchSize, communicator: SingleProcess(),
      loss: configuration.makeLoss(of: graph, target: data.target, smooths: false), metrics: metrics, reference: reference)
  }

  @Test("pixels: mean intersection over union, F1 and top-1 of what counts, whatever the batch size", arguments: [1, 7, 64])
  func pixels(batchSize: Int) throws {
    let data = Scores(shape: [4, 3, 2], target: .classes(shape: [3, 2], count: 4))
    let found = try measure(data, .crossEntropy, [.meanIntersectionOverUnion, .f1, .agreement], reference: network([4, 3, 2]), batchSize: batchSize)
    var pairs: [(predicted: Int, wanted: Int)] = []
    for index in 0..<data.count {
      let (scores, labels) = (data.values(index), data.classes(index))
      for place in 0..<6 where labels[place] >= 0 {
        let row = (0..<4).map { scores[$0 * 6 + place] }
        pairs.append((row.firstIndex(of: row.max() ?? 0) ?? -1, Int(labels[place])))
      }
    }
    var (unions, f1s): ([Double], [Double]) = ([], [])
    for kind in 0..<4 {
      let hits = Double(pairs.filter { $0.predicted == kind && $0.wanted == kind }.count)
      let (predicted, wanted) = (Double(pairs.filter { $0.predicted == kind }.count), Double(pairs.filter { $0.wanted == kind }.count))
      unions.append(hits / (predicted + wanted - hits))
      f1s.append(2 * hits / (predicted + wanted))
    }
    #expect(abs((found.measured["miou"] ?? 0) - unions.reduce(0, +) / 4) < 1e-12)
    #expect(abs((found.measured["f1"] ?? 0) - f1s.reduce(0, +) / 4) < 1e-12)
    #expect(found.top1 == Double(pairs.filter { $0.predicted == $0.wanted }.count) / Double(pairs.count) && found.positions == pairs.count)
    #expect(found.measured["agreement"] == 1 && found.count == 23)
  }

  @Test("numbers: RMSE and MAE; labels of which several may hold: F1")
  func numbers() throws {
    let data = Scores(shape: [3], target: .numbers(shape: [3]))
    let found = try measure(data, LossConfiguration(.mse), [.rootMeanSquaredError, .meanAbsoluteError])
    let differences = (0..<data.count).flatMap { zip(data.values($0), data.numbers($0)).map { Double($0) - Double($1) } }
    let mean = differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)
    #expect(abs((found.measured["rmse"] ?? 0) - mean.squareRoot()) < 1e-9 && abs(found.loss - mean) < 1e-9)
    #expect(abs((found.measured["mae"] ?? 0) - differences.reduce(0) { $0 + abs($1) } / Double(differences.count)) < 1e-9)
    #expect(found.positions == 0 && found.figures.map(\.title) == ["RMSE", "MAE", "loss"])
    #expect(found.score(.rootMeanSquaredError) == found.measured["rmse"].map { -$0 } && found.score(nil) == -found.loss)
    #expect(try JSONDecoder().decode(Evaluation.self, from: JSONEncoder().encode(found)) == found)
    let labels = try measure(data, LossConfiguration(.binaryCrossEntropy), [.f1])
    var values: [Double] = []
    for label in 0..<3 {
      let pairs = (0..<data.count).map { (data.values($0)[label] > 0, data.numbers($0)[label] > 0.5) }
      let hits = Double(pairs.filter { $0.0 && $0.1 }.count)
      values.append(2 * hits / Double(pairs.filter(\.0).count + pairs.filter(\.1).count))
    }
    #expect(abs((labels.measured["f1"] ?? 0) - values.reduce(0, +) / 3) < 1e-12)
  }
}
