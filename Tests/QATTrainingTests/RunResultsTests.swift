import Foundation
import Testing

@testable import QATTraining

@Suite("What a run leaves for its readers")
struct RunResultsTests {
  @Test func resultsComeBackAsTheyWereWritten() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-results-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let directory = CheckpointDirectory(folder.path)
    #expect(try directory.results() == nil)
    var results = RunResults()
    results.note("fp32", ["top1": 0.9])
    results.note("fine-tuned", ["top1": 0.8, "loss_of_something": 2])
    results.note("fp32", ["top1": 0.91])
    (results.steps, results.ranks) = (7, 2)
    results.timing = .init(seconds: 3, stepSeconds: 2, exposedCommunicationSeconds: 0.5, imagesPerSecond: 100, phases: ["forward pass": 1])
    results.files = [.init(path: "a/b.onnx", bytes: 12)]
    try directory.write(results)
    #expect(try directory.results() == results)
    #expect(results.networks.map(\.name) == ["fp32", "fine-tuned"] && results.networks[0].metrics == ["top1": 0.91])
    try Data("{ half".utf8).write(to: URL(fileURLWithPath: directory.resultsPath))
    #expect(try directory.results() == nil, "what cannot be understood is nothing")
  }

  @Test func linesThatAreNotUnderstoodArePassedOver() {
    let history = MetricsHistory(
      text: """
        {"step":1,"epoch":0,"loss":2.5,"lr":0.1,"top1":0.25,"images_per_second":100,"step_seconds":0.5,"exposed_communication_seconds":0.1}
        {"step":2,"epoch":0,"loss":null,"lr":0.1}
        nonsense
        {"step":-1,"loss":1}
        [1]
        {"epoch":0,"step":2,"validation":{"count":10,"loss":1.5,"top1":0.5,"top5":1,"other":"text"}}
        {"step":3,"epoch":1,"lo
        """)
    #expect(history.steps.map(\.step) == [1, 2])
    #expect(history.steps[0].loss == 2.5 && history.steps[0].exposedSeconds == 0.1 && history.steps[1].loss == nil)
    #expect(history.evaluations.count == 1 && history.evaluations[0].metrics == ["count": 10, "loss": 1.5, "top1": 0.5, "top5": 1])
  }
}
