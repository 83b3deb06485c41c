import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import QATQuantization
import QATTensor
import Testing

@testable import QATTraining

@Suite("Knowledge distillation")
struct DistillationTests {
  private let student: [Float] = [1, -2, 0.5, 3, 0.25, -1]
  private let teacher: [Float] = [0.5, -1, 2, 2, 2, -3]

  private func method(_ kind: KnowledgeDistillation.Kind, scale: Double = 1.5, temperature: Double = 2) -> KnowledgeDistillation {
    var method = KnowledgeDistillation(kind)
    (method.scale, method.temperature) = (scale, temperature)
    return method
  }

  /// The loss of two samples of three scores, and its gradient on top of what was there.
  private func loss(_ method: KnowledgeDistillation, _ student: [Float], before: [Float]? = nil) -> (loss: Double, gradient: [Float]) {
    var gradient = before ?? [Float](repeating: .nan, count: student.count)
    let loss = student.withUnsafeBufferPointer { student in
      teacher.withUnsafeBufferPointer { teacher in
        gradient.withUnsafeMutableBufferPointer { gradient in
          Distillation.loss(method, student: student, teacher: teacher, gradient: gradient, rows: 2, scale: 0.5, adds: before != nil)
        }
      }
    }
    return (loss, gradient)
  }

  @Test(
    "equals PyTorch's values of NNCF's formulas",
    arguments: [
      (KnowledgeDistillation.Kind.mse, 2.890625, [0.25, -0.5, -0.75, 0.5, -0.875, 1.0]),
      (.softmax, 6.318596363067627, [0.3313755691, -0.0302162878, -0.3011592925, 0.3601237833, -0.4472244978, 0.0871006623]),
    ])
  func recorded(kind: KnowledgeDistillation.Kind, expected: Double, slopes: [Float]) {
    let found = loss(method(kind), student)
    #expect(abs(found.loss / 2 - expected) < 1e-6 * expected)
    for (a, b) in zip(found.gradient, slopes) { #expect(abs(a - b) < 1e-6) }
    let added = loss(method(kind), student, before: [Float](repeating: 1, count: 6))
    #expect(added.loss == found.loss)
    for (a, b) in zip(added.gradient, slopes) { #expect(abs(a - 1 - b) < 1e-6) }
  }

  @Test("its gradient is the slope of its loss", arguments: KnowledgeDistillation.Kind.allCases)
  func slope(_ kind: KnowledgeDistillation.Kind) {
    let found = loss(method(kind, temperature: 3), student).gradient
    for index in student.indices {
      var (more, less) = (student, student)
      more[index] += 0.01
      less[index] -= 0.01
      let slope = (loss(method(kind, temperature: 3), more).loss - loss(method(kind, temperature: 3), less).loss) / 0.02 * 0.5
      #expect(abs(Double(found[index]) - slope) < 1e-3, "\(index)")
    }
  }

  @Test("great scores do not overflow")
  func greatScores() {
    let found = loss(method(.softmax), [1e30, -1e30, 0, 0, 0, 0])
    #expect(found.gradient.allSatisfy { $0.isFinite })
  }

  private func network(_ seed: UInt64) -> Graph {
    var b = NetworkBuilder(name: "small", input: [1, 8, 8], seed: seed)
    let x = b.relu(b.batchNormalization(b.convolution(b.input, "conv1", channels: 16, kernel: 3, pad: 1), "bn1"), "relu1")
    let features = b.dropout(b.flatten(b.globalAveragePool(x, "gap"), "flatten"), "dropout", ratio: 0.1)
    let scores = b.linear(features, "fc", features: 4)
    return b.graph(output: scores)
  }

  private func train(
    _ graph: Graph, teacher: Graph, _ edit: (inout RunConfiguration) -> Void = { _ in }, data: any Dataset
  ) throws -> (state: ModelState, trainer: Trainer) {
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs, configuration.seed) = (16, 2, 5)
    configuration.optimizer.baseLearningRate = 0.05
    configuration.nncf.distillation = method(.softmax)
    edit(&configuration)
    let state = try ModelState(graph)
    var task = Trainer.Task(
      graph: graph, state: state, training: data, validation: nil, configuration: configuration,
      identity: RunIdentity(model: graph, configuration: configuration, dataset: data))
    task.teacher = teacher
    let trainer = try Trainer(task, communicator: SingleProcess(), showsProgress: false)
    _ = try trainer.run()
    return (state, trainer)
  }

  /// The synthetic data with other labels.
  private struct Relabelled: Dataset {
    var data: any Dataset
    var name: String { data.name }
    var count: Int { data.count }
    var inputs: [SampleInput] { data.inputs }
    var target: SampleTarget { data.target }
    var contentHash: UInt64 { data.contentHash }
    func classLabel(at index: Int) -> Int32? { data.classLabel(at: index).map { 3 - $0 } }
    func read(_ index: Int, into sample: Sample) throws {
      try data.read(index, into: sample)
      sample.classes[0] = 3 - sample.classes[0]
    }
  }

  @Test("without a loss of the task, labels do not matter; with one, they do", arguments: [LossConfiguration.none, .crossEntropy])
  func labels(_ loss: LossConfiguration) throws {
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let states = try [data, Relabelled(data: data)].map { data in
      try train(network(2), teacher: network(3), { $0.loss = loss }, data: data).state.tensors()
    }
    #expect((states[0] == states[1]) == (loss == .none))
  }

  @Test("a student comes to answer like its teacher, which does not change", arguments: KnowledgeDistillation.Kind.allCases)
  func learns(_ kind: KnowledgeDistillation.Kind) throws {
    let data = try openDataset("synthetic:1,8,8,4,160", split: .train)
    let teacher = network(3)
    func distance(_ graph: Graph) throws -> Float {
      func scores(_ graph: Graph) throws -> [Float] {
        let plan = try Plan(graph, state: try ModelState(graph), batchSize: 32, mode: .training)
        let sample = Sample(for: data)
        let size = sample.input(0).count
        for index in 0..<32 {
          try data.read(index, into: sample)
          _ = plan.input(graph.inputs[0].name)[(index * size)...].update(fromContentsOf: sample.input(0))
        }
        withExtendedLifetime(sample) { plan.forward() }
        return Array(plan.output(graph.outputs[0]))
      }
      return try zip(scores(graph), scores(teacher)).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
    }
    let start = network(2)
    let (state, trainer) = try train(
      start, teacher: teacher,
      {
        $0.loss = .none
        $0.epochs = 20
        $0.nncf.distillation = method(kind, scale: 1)
      }, data: data)
    let (before, after) = (try distance(start), try distance(state.applied(to: start)))
    #expect(after < 0.5 * before, "\(before) became \(after)")
    let bytes = try #require(trainer.teacherByteCount)
    #expect(bytes > 0)
  }
}
