import Foundation
import QATCommunication
import QATData
import QATEngine
import QATModels
import QATSafetensors
import QATTensor
import Synchronization
import Testing

@testable import QATTraining

@Suite("Writing checkpoints while training goes on")
struct CheckpointWriterTests {
  typealias Samples = CheckpointSamples

  /// A network of one layer with its optimizer, and a checkpoint of them made the plain way.
  private struct Run {
    let state: ModelState
    let optimizer = SGD(count: 15, momentum: 0.9)

    init() throws {
      state = try ModelState(linearGraph(inputs: 4, classes: 3))
      for index in 0..<state.parameters.count { state.parameters[index] = Float(index) }
    }

    func checkpoint(step: Int) -> Checkpoint {
      var checkpoint = Samples.checkpoint(step: step)
      checkpoint.model = state.tensors()
      checkpoint.optimizer = optimizer.tensors(slots: state.parameterSlots)
      return checkpoint
    }
  }

  @Test("gives the bytes of writing them at once, whatever training does meanwhile")
  func sameBytes() throws {
    let (plain, background) = (TemporaryFolder(), TemporaryFolder())
    let run = try Run()
    let expected = try Samples.directory(plain, steps: []).save(run.checkpoint(step: 7))

    // The thread waits at its first file until training has changed everything.
    let changed = DispatchSemaphore(value: 0)
    var directory = try Samples.directory(background, steps: [])
    directory.willWrite = { if $0 == "model.safetensors" { changed.wait() } }
    let writer = CheckpointWriter(directory, snapshot: try CheckpointSnapshot(state: run.state, memories: run.optimizer.memories))
    writer.begin(run.checkpoint(step: 7).state)
    for index in 0..<run.state.parameters.count { run.state.parameters[index] = -1 }
    run.optimizer.step(run.state, rate: 1)
    changed.signal()
    writer.wait()
    #expect(!writer.hasFailed)
    let found = "\(background.path)/step-000000007"
    for name in Samples.names(expected) { #expect(try Samples.bytes("\(expected)/\(name)") == Samples.bytes("\(found)/\(name)"), "\(name)") }
  }

  @Test("lets one checkpoint at a time be on its way")
  func oneAtATime() throws {
    let folder = TemporaryFolder()
    let run = try Run()
    let order = Mutex<[String]>([])
    var directory = try Samples.directory(folder, steps: [])
    directory.willWrite = { what in order.withLock { $0.append(what) } }
    let writer = CheckpointWriter(directory, snapshot: try CheckpointSnapshot(state: run.state, memories: run.optimizer.memories))
    for step in 1...4 { writer.begin(run.checkpoint(step: step).state) }
    #expect(try writer.finish(run.checkpoint(step: 5).state) == "\(folder.path)/step-000000005")
    let each = ["model.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json", "rename", "latest"]
    #expect(order.withLock { $0 } == Array(repeating: each, count: 5).flatMap(\.self))
    #expect(try directory.candidates.count == 3)
  }

  @Test("keeps the reason of a failure until it is asked for, and the checkpoint before")
  func failure() throws {
    let folder = TemporaryFolder()
    let run = try Run()
    var directory = try Samples.directory(folder, steps: [3])
    directory.willWrite = { if $0 == "MANIFEST.json" { throw TrainingError(.storage, "the disk is on fire") } }
    let writer = CheckpointWriter(directory, snapshot: try CheckpointSnapshot(state: run.state, memories: run.optimizer.memories))
    writer.begin(run.checkpoint(step: 4).state)
    writer.wait()
    #expect(writer.hasFailed)
    #expect(writer.takeFailure() as? TrainingError == TrainingError(.storage, "the disk is on fire"))
    #expect(!writer.hasFailed && writer.takeFailure() == nil)
    #expect(throws: TrainingError(.storage, "the disk is on fire")) { try writer.finish(run.checkpoint(step: 4).state) }
    #expect(try directory.load(.latest)?.checkpoint.state.step == 3)
  }

  /// Six steps of training with a checkpoint after each, of which the given one cannot be written.
  private func train(_ folder: String, failing: Int?, _ policy: CheckpointConfiguration.FailurePolicy = .warn) throws -> TrainingResult {
    var b = NetworkBuilder(name: "linear", input: [1, 2, 2], seed: 3)
    let scores = b.linear(b.flatten(b.input, "flatten"), "fc", features: 3)
    let graph = b.graph(output: scores)
    let data = try openDataset("synthetic:1,2,2,3,60", split: .train)
    var configuration = RunConfiguration()
    configuration.batchSize = 10
    configuration.epochs = 1
    configuration.checkpoint.every = 1
    configuration.checkpoint.onError = policy
    var directory = CheckpointDirectory(folder, configuration.checkpoint)
    try directory.prepare()
    let count = Mutex(0)
    directory.willWrite = { what in
      guard what == "model.safetensors" else { return }
      let number = count.withLock { count in
        count += 1
        return count
      }
      if number == failing { throw TrainingError(.storage, "the disk is on fire") }
    }
    let identity = RunIdentity(model: graph, configuration: configuration, dataset: data)
    let trainer = try Trainer(
      .init(
        graph: graph, state: ModelState(graph), training: data, validation: nil, configuration: configuration, directory: directory,
        identity: identity),
      communicator: SingleProcess(), showsProgress: false)
    return try trainer.run()
  }

  @Test("a run whose checkpoint fails is warned, goes on, and ends with the bytes of one that had no trouble")
  func warned() throws {
    let (whole, troubled) = (TemporaryFolder(), TemporaryFolder())
    let first = try train(whole.path, failing: nil)
    let second = try train(troubled.path, failing: 2)
    #expect(first.checkpoints.count == 6 && first.checkpoints.failedCount == 0)
    #expect(second.checkpoints.count == 6 && second.checkpoints.failedCount == 1)
    #expect(first.checkpoints.longestSeconds > 0 && first.checkpoints.seconds >= first.checkpoints.longestSeconds)
    for name in Samples.names("\(whole.path)/step-000000006") {
      #expect(try Samples.bytes("\(whole.path)/step-000000006/\(name)") == Samples.bytes("\(troubled.path)/step-000000006/\(name)"), "\(name)")
    }
  }

  @Test("with on_error fail the run ends, and the checkpoint before is intact")
  func failed() throws {
    let folder = TemporaryFolder()
    #expect(throws: TrainingError(.storage, "the disk is on fire")) { try train(folder.path, failing: 3, .fail) }
    // The next one may be complete before the ranks know.
    let last = try #require(try CheckpointDirectory(folder.path).load(.latest)).checkpoint.state.step
    #expect(last == 2 || last == 4)
  }

  @Test("a last checkpoint that cannot be written is an error, whatever the policy")
  func lastFails() throws {
    let folder = TemporaryFolder()
    #expect(throws: TrainingError(.storage, "the disk is on fire")) { try train(folder.path, failing: 6) }
    #expect(try CheckpointDirectory(folder.path).load(.latest)?.checkpoint.state.step == 5)
  }

  @Test("a disk that cannot hold two checkpoints is refused before training; one that cannot hold all is a warning; both say how much")
  func room() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [])
    let free = try #require(FileSystem.freeBytes(folder.path))
    func warnings(_ size: Int) throws -> [String] {
      var warnings: [String] = []
      try directory.requireRoom(forCheckpointsOf: size, epochs: 3) { warnings.append($0) }
      return warnings
    }
    #expect(try warnings(1000) == [])
    let few = try warnings(free / 4)
    #expect(few.count == 1 && few[0].contains("5 are to stay (0 are there)") && few[0].contains("MB"), "\(few)")
    #expect { try warnings(free) } throws: { ($0 as? TrainingError)?.kind == .storageFull && "\($0)".contains("two must fit") }
    try directory.save(Samples.checkpoint(step: 1))
    #expect(try warnings(free / 10 * 8).count == 1, "one is there already")
  }
}
