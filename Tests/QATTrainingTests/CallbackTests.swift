import Foundation
import QATCommunication
import QATData
import QATEngine
import QATGraph
import QATModels
import Testing

@testable import QATTraining

/// Notes every hook that is called, and may end the run or change its rate.
private final class Recorder: TrainingCallback {
  var events: [String] = []
  var rates: [Double] = []
  var losses: [Double] = []
  var stopsAfterEpoch: Int?
  var rateFactor: ((Int) -> Double)?
  var failsInEpoch: Int?

  struct Refusal: Error {}

  func trainingBegan(_ trainer: Trainer) { events.append("began at \(trainer.step) of \(trainer.totalSteps)") }
  func epochBegan(_ epoch: Int, _ trainer: Trainer) throws {
    events.append("epoch \(epoch)")
    if epoch == failsInEpoch { throw Refusal() }
  }
  func stepEnded(_ report: StepReport, _ trainer: Trainer) {
    #expect(report.step == trainer.step && report.seconds > 0 && report.imagesPerSecond > 0)
    rates.append(report.rate)
    losses.append(report.loss)
  }
  func evaluated(_ report: EvaluationReport, _ trainer: Trainer) { events.append("evaluated \(report.epoch) at \(report.step)") }
  func epochEnded(_ report: EpochReport, _ trainer: Trainer) {
    #expect(report.evaluation == trainer.history.last?.evaluation)
    events.append("ended \(report.epoch) at \(report.step)")
  }
  func checkpointWritten(_ path: String, _ trainer: Trainer) {
    #expect(FileManager.default.fileExists(atPath: "\(path)/MANIFEST.json"))
    events.append((path as NSString).lastPathComponent)
  }
  func trainingEnded(_ result: TrainingResult, _ trainer: Trainer) { events.append("done at \(result.steps)") }
  func wantsToStop(_ trainer: Trainer) -> Bool { stopsAfterEpoch.map { trainer.position.epoch > $0 } ?? false }
  func learningRate(_ rate: Double, inEpoch epoch: Int) -> Double { rateFactor.map { rate * $0(epoch) } ?? rate }
}

@Suite("Callbacks of a run")
struct CallbackTests {
  /// Five steps an epoch.
  private func trainer(
    _ callbacks: [any TrainingCallback], in folder: String? = nil, epochs: Int = 2, validates: Bool = true, resuming: Bool = false
  ) throws -> Trainer {
    var builder = NetworkBuilder(name: "tiny", input: [1, 4, 4])
    let scores = builder.linear(builder.flatten(builder.input, "flatten"), "fc", features: 3)
    let graph = builder.graph(output: scores)
    let data = try openDataset("synthetic:1,4,4,3,40", split: .train)
    var configuration = RunConfiguration()
    (configuration.batchSize, configuration.epochs) = (8, epochs)
    configuration.optimizer.baseLearningRate = 0.5
    configuration.optimizer.schedule.kind = .constant
    let directory = folder.map { CheckpointDirectory($0) }
    try directory?.prepare()
    let checkpoint = resuming ? try directory?.load(.latest)?.checkpoint : nil
    var task = Trainer.Task(
      graph: graph, state: try ModelState(graph), training: data, validation: validates ? data : nil, configuration: configuration,
      directory: directory, identity: RunIdentity(model: graph, configuration: configuration, dataset: data))
    task.callbacks = callbacks
    return try Trainer(task, communicator: SingleProcess(), resuming: checkpoint, showsProgress: false)
  }

  @Test("are told what happens in the order in which it does")
  func order() throws {
    let folder = TemporaryFolder()
    let recorder = Recorder()
    let result = try trainer([recorder], in: folder.path).run()
    #expect(result.steps == 10 && !result.endedEarly)
    // The first checkpoint is written while training goes on: it is told of at a later step.
    let ordered = recorder.events.filter { !$0.hasPrefix("step-") }
    #expect(
      ordered == [
        "began at 0 of 10", "epoch 0", "evaluated 0 at 5", "ended 0 at 5", "epoch 1", "evaluated 1 at 10", "ended 1 at 10", "done at 10",
      ])
    #expect(recorder.events.filter { $0.hasPrefix("step-") } == ["step-000000005", "step-000000010"])
    #expect(recorder.rates == Array(repeating: 0.5, count: 10))
    #expect(recorder.losses.count == 10 && recorder.losses.allSatisfy { $0 > 0 })
  }

  @Test("a run without validation data has epochs without evaluations")
  func unevaluated() throws {
    let recorder = Recorder()
    _ = try trainer([recorder], validates: false).run()
    #expect(recorder.events == ["began at 0 of 10", "epoch 0", "ended 0 at 5", "epoch 1", "ended 1 at 10", "done at 10"])
  }

  @Test("may end the run after an epoch, with a checkpoint, and again when it is resumed")
  func endsEarly() throws {
    let folder = TemporaryFolder()
    let (recorder, second) = (Recorder(), Recorder())
    recorder.stopsAfterEpoch = 1
    let result = try trainer([recorder], in: folder.path, epochs: 5).run()
    #expect(result.steps == 10 && result.endedEarly && result.checkpoint?.hasSuffix("step-000000010") == true)
    second.stopsAfterEpoch = 1
    let resumed = try trainer([second], in: folder.path, epochs: 5, resuming: true).run()
    #expect(resumed.steps == 10 && resumed.endedEarly)
    #expect(second.events == ["began at 10 of 25", "done at 10"])
  }

  @Test("change the learning rate one after the other")
  func learningRate() throws {
    let (halving, doubling) = (Recorder(), Recorder())
    halving.rateFactor = { 1 / Double(1 << $0) }
    doubling.rateFactor = { _ in 4 }
    _ = try trainer([halving, doubling]).run()
    #expect(halving.rates == Array(repeating: 2, count: 5) + Array(repeating: 1, count: 5))
  }

  @Test("end the run by an error")
  func errors() throws {
    let recorder = Recorder()
    recorder.failsInEpoch = 1
    #expect(throws: Recorder.Refusal.self) { try trainer([recorder]).run() }
    #expect(recorder.events.last == "epoch 1" && recorder.losses.count == 5)
  }
}
