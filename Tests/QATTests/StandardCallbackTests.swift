import Foundation
import QAT
import Testing

@Suite("The library's callbacks")
struct StandardCallbackTests {
  @Test("early stopping ends the run when evaluations no longer get better, and at the same epoch when resumed")
  func earlyStopping() throws {
    let folder = try TemporaryFolder()
    // Without a step nothing gets better: the first evaluation is the best, two more are waited for.
    var still = OptimizerConfiguration()
    (still.baseLearningRate, still.momentum, still.weightDecay) = (1e-30, 0, 0)
    func fit(_ epochs: Int, resume: Bool) throws -> TrainingResult {
      var net = NetworkBuilder(name: "plain", input: [1, 8, 8])
      let graph = net.graph(output: net.linear(net.flatten(net.input, "flatten"), "fc", features: 4))
      let loader = try Example.loader()
      return try Model(graph).fit(
        loader, validation: loader.dataset, epochs: epochs, optimizer: still,
        callbacks: [EarlyStopping(.loss, patience: 2), CheckpointManagerCallback(folder.path)], resume: resume, showsProgress: false
      ) { $0.optimizer.schedule.kind = .constant }
    }
    #expect(try fit(2, resume: false).endedEarly == false)
    let result = try fit(10, resume: true)
    #expect(result.endedEarly && result.steps == 18)
    #expect(try fit(10, resume: true).steps == 18)
  }

  @Test("a learning rate schedule of one's own is used in every step, after the optimizer's own")
  func learningRate() throws {
    final class Rates: TrainingCallback {
      var rates: [Double] = []
      func stepEnded(_ report: StepReport, _ trainer: Trainer) { rates.append(report.rate) }
    }
    let rates = Rates()
    var optimizer = OptimizerConfiguration()
    optimizer.baseLearningRate = 0.25
    optimizer.schedule.kind = .constant
    try Model(Example.network()).fit(
      Example.loader(batchSize: 24), epochs: 3, optimizer: optimizer,
      callbacks: [LearningRateScheduler { epoch, rate in rate / Double(1 << epoch) }, rates],
      showsProgress: false)
    #expect(rates.rates == [0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625])
  }

  @Test("statistics are logged when training begins and after each epoch, and a run that goes on keeps the lines before")
  func statistics() throws {
    let folder = try TemporaryFolder()
    let log = "\(folder.path)/logs/deep"
    for epochs in [1, 3] {
      let (controller, model) = try Example.compressed()
      let callbacks = createCompressionCallbacks(controller, logDirectory: log, showsTables: false)
      try model.fit(
        Example.loader(), epochs: epochs, callbacks: callbacks + [CheckpointManagerCallback("\(folder.path)/run")], resume: epochs > 1,
        showsProgress: false
      ) { $0.optimizer.schedule.kind = .constant }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: log).contains { $0.contains("tfevents") })
    let lines = try String(contentsOfFile: "\(log)/compression_statistics.jsonl", encoding: .utf8).split(separator: "\n").map {
      try JSONDocument.parse(String($0), file: "log").root
    }
    #expect(lines.compactMap { $0["epoch"]?.number?.integer } == [-1, 0, 1, 2])
    #expect(lines.compactMap { $0["step"]?.number?.integer } == [0, 6, 12, 18])
    let (controller, _) = try Example.compressed()
    #expect(lines.allSatisfy { JSONValue($0)["statistics"]?["weights"]?["total"] == .integer(controller.statistics().weights.total) })
  }

  @Test("a manager of checkpoints writes them every so many steps, and keeps as many as it says")
  func manager() throws {
    let folder = try TemporaryFolder()
    let manager = CheckpointManagerCallback(folder.path, saveFrequency: .steps(2), keepLast: 2)
    try Model(Example.network()).fit(Example.loader(), epochs: 2, callbacks: [manager], showsProgress: false)
    #expect(manager.latest == "\(folder.path)/step-000000012")
    #expect(try CheckpointDirectory(folder.path).candidates == ["step-000000012", "step-000000010"])
    #expect(FileManager.default.fileExists(atPath: "\(folder.path)/model.onnx"))
  }
}
