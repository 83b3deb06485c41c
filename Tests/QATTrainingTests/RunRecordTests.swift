import Foundation
import QATData
import QATGraph
import QATJSON
import QATTensor
import Testing

@testable import QATTraining

@Suite("A run's folder")
struct RunRecordTests {
  typealias Samples = CheckpointSamples

  private func record(epochs: Int = 4) -> RunRecord {
    var configuration = RunConfiguration()
    configuration.model = "net.onnx"
    configuration.epochs = epochs
    configuration.optimizer.baseLearningRate = 0.1
    return RunRecord(configuration: configuration, versions: ["swift-qat": "1.0"], rankCount: 2)
  }

  @Test("says what the run was started with, and holds its model")
  func begins() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    try directory.begin(record(), resuming: nil) { try Samples.write([1, 2, 3], $0) }
    #expect(try directory.record() == record())
    #expect(try directory.record().configuration.model == "\(FileManager.default.currentDirectoryPath)/net.onnx")
    #expect(try Samples.bytes(directory.modelPath) == [1, 2, 3])
    #expect(Samples.names(folder.path) == ["model.onnx", "run.json"])
  }

  @Test("its configuration is what a configuration file says, so it can begin another run")
  func configurationFile() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    try directory.begin(record(), resuming: nil) { try Samples.write([1], $0) }
    let root = try JSONDocument.read(contentsOf: "\(folder.path)/run.json").root
    let configuration = JSONValue(try #require(root["configuration"]))
    let expected = try JSONDocument.parse(record().configuration.resolvedJSON().text(), file: "resolved")
    #expect(configuration == JSONValue(expected.root))
    let document = try JSONDocument.parse(configuration.text(), file: "\(folder.path)/another.json")
    #expect(try RunConfiguration(document: document) == record().configuration)
    #expect(root["ranks"]?.number?.integer == 2 && root["versions"]?["swift-qat"]?.string == "1.0")
  }

  @Test("is not begun twice: checkpoints of another run are safe")
  func refuses() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    try directory.begin(record(), resuming: nil) { try Samples.write([1], $0) }
    // Nothing has been trained: the same folder may be tried again.
    try directory.begin(record(), resuming: nil) { try Samples.write([2], $0) }
    #expect(try Samples.bytes(directory.modelPath) == [2])
    try directory.save(Samples.checkpoint(step: 5))
    #expect { try directory.begin(record(epochs: 9), resuming: nil) { try Samples.write([3], $0) } } throws: { error in
      "\(error)".contains("step-000000005") && "\(error)".contains("--resume auto")
    }
    #expect(try Samples.bytes(directory.modelPath) == [2])
    #expect(try directory.record() == record())
  }

  @Test("keeps its model and takes the new configuration when it is resumed")
  func resumes() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    try directory.begin(record(), resuming: nil) { try Samples.write([1], $0) }
    try directory.save(Samples.checkpoint(step: 5))
    let found = try #require(try directory.load(.latest))
    try directory.begin(record(epochs: 9), resuming: found) { try Samples.write([2], $0) }
    #expect(try Samples.bytes(directory.modelPath) == [1])
    #expect(try directory.record().configuration.epochs == 9)
  }

  @Test("that goes on from an older checkpoint sets the newer ones aside until it has ended")
  func rewinds() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [5, 10, 15])
    try directory.begin(record(), resuming: directory.load(.path("\(folder.path)/step-000000005"))) { try Samples.write([1], $0) }
    #expect(try directory.candidates == ["step-000000005"])
    func abandoned(_ step: String) -> String? { Samples.names(folder.path).first { $0.hasPrefix(".abandoned-step-\(step)-") } }
    #expect(try CheckpointDirectory.read("\(folder.path)/\(#require(abandoned("000000015")))").state.step == 15)
    // As long as the run lives, also when it removes what is old.
    try directory.save(Samples.checkpoint(step: 10))
    try directory.begin(record(), resuming: directory.load(.path("\(folder.path)/step-000000005"))) { try Samples.write([1], $0) }
    let names = Samples.names(folder.path).filter { $0.hasPrefix(".abandoned-") }
    #expect(names.count == 3 && abandoned("000000010") != nil && abandoned("000000015") != nil)
    // Another process has set one aside, and has ended.
    let ended = Process()
    ended.executableURL = URL(fileURLWithPath: "/bin/true")
    try ended.run()
    ended.waitUntilExit()
    let left = names[0].replacingOccurrences(of: "-\(getpid())-", with: "-\(ended.processIdentifier)-")
    try FileManager.default.moveItem(atPath: "\(folder.path)/\(names[0])", toPath: "\(folder.path)/\(left)")
    try directory.prepare()
    #expect(Samples.names(folder.path).filter { $0.hasPrefix(".abandoned-") } == Array(names.dropFirst()))
  }

  @Test("begins from another run's checkpoint only where there is no run yet")
  func elsewhere() throws {
    let (one, other) = (TemporaryFolder(), TemporaryFolder())
    let found = try #require(try Samples.directory(one, steps: [5]).load(.latest))
    let occupied = try Samples.directory(other, steps: [7])
    #expect { try occupied.begin(record(), resuming: found) { try Samples.write([1], $0) } } throws: { "\($0)".contains("already holds a run") }
    #expect(try occupied.candidates == ["step-000000007"])
    let fresh = CheckpointDirectory("\(other.path)/fresh")
    try fresh.prepare()
    try fresh.begin(record(), resuming: found) { try Samples.write([1], $0) }
    #expect(try Samples.bytes(fresh.modelPath) == [1])
  }

  @Test("a model that cannot be written leaves none, and no record")
  func failingModel() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    #expect(throws: TrainingError(.storage, "no")) {
      try directory.begin(record(), resuming: nil) { path in
        try Samples.write([1], path)
        throw TrainingError(.storage, "no")
      }
    }
    try directory.prepare()
    #expect(Samples.names(folder.path) == [])
    #expect { try directory.record() } throws: { "\($0)".contains("no run.json") }
  }

  @Test("is found from the run's folder and from a checkpoint's")
  func located() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [5])
    #expect(CheckpointDirectory.run(containing: folder.path).path == folder.path)
    #expect(CheckpointDirectory.run(containing: "\(folder.path)/step-000000005/").path == directory.path)
  }

  @Test("a record that is no JSON is an error that names the file")
  func damagedRecord() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    try Samples.write(Array("{".utf8), "\(folder.path)/run.json")
    #expect { try directory.record() } throws: { ($0 as? TrainingError)?.kind == .checkpoint && "\($0)".contains("run.json") }
  }

  @Test("what a run is of does not depend on where files lie, how long it trains or how ranks share a step, but on all else")
  func identity() throws {
    let data = SyntheticDataset(sampleShape: [1, 2, 2], classCount: 3, count: 8)
    func identity(_ edit: (inout RunConfiguration, inout Graph) -> Void) throws -> RunIdentity {
      var configuration = RunConfiguration()
      var graph = linearGraph(inputs: 4, classes: 3)
      edit(&configuration, &graph)
      return RunIdentity(model: graph, configuration: configuration, dataset: data)
    }
    let plain = try identity { _, _ in }
    #expect(
      try plain
        == identity { configuration, _ in
          configuration.model = "elsewhere"
          configuration.epochs = 77
          configuration.batchSize = 1
          configuration.maxSteps = 5
          configuration.checkpoint.every = 3
          configuration.checkpoint.keepLast = 9
          configuration.data.train = "/a"
          configuration.data.validation = "/b"
        })
    let others: [(inout RunConfiguration, inout Graph) -> Void] = [
      { configuration, _ in configuration.seed = 1 },
      { configuration, _ in configuration.optimizer.momentum = 0.5 }, { configuration, _ in configuration.data.augment.flip = true },
      { configuration, _ in configuration.labelSmoothing = 0.1 },
    ]
    for edit in others {
      let other = try identity(edit)
      #expect(other.settings != plain.settings && other.model == plain.model && other.data == plain.data)
    }
    let changes: [(inout RunConfiguration, inout Graph) -> Void] = [
      { _, graph in graph.constants["fc.bias"] = .init(Tensor([0, 0, 1e-30], shape: [3]), .parameter) },
      { _, graph in graph.nodes[0].op = Gemm(alpha: 2, transposesB: true) },
      { _, graph in graph.constants["fc.bias"]?.role = .fixed },
    ]
    for edit in changes { #expect(try identity(edit).model != plain.model) }
    let otherData = SyntheticDataset(sampleShape: [1, 2, 2], classCount: 3, count: 8, seed: 1)
    #expect(RunIdentity(model: linearGraph(inputs: 4, classes: 3), configuration: RunConfiguration(), dataset: otherData).data != plain.data)
    let judged = RunIdentity(model: linearGraph(inputs: 4, classes: 3), configuration: RunConfiguration(), dataset: data, validation: otherData)
    #expect(judged.validation != nil && judged.validation != plain.validation && judged.data == plain.data)
  }
}
