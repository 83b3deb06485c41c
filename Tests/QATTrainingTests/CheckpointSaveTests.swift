import Foundation
import Testing

@testable import QATTraining

@Suite("Writing checkpoints")
struct CheckpointSaveTests {
  typealias Samples = CheckpointSamples

  @Test("the same state gives the same bytes in every folder")
  func sameBytes() throws {
    let (a, b) = (TemporaryFolder(), TemporaryFolder())
    let paths = try [a, b].map { try Samples.directory($0, steps: []).save(Samples.checkpoint(step: 7, best: .init(step: 7, top1: 1.0 / 3))) }
    #expect(Samples.names(paths[0]) == ["MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json"])
    for name in Samples.names(paths[0]) { #expect(try Samples.bytes("\(paths[0])/\(name)") == Samples.bytes("\(paths[1])/\(name)"), "\(name)") }
  }

  @Test("the manifest tells sizes and CRC-32C")
  func manifest() throws {
    func checksum(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { Manifest.File($0).crc32c } }
    // The check value that RFC 3720's polynomial is published with.
    #expect(checksum(Array("123456789".utf8)) == "e3069283")
    #expect(checksum([UInt8](repeating: 0, count: 32)) == "8a9136aa")
    #expect(checksum([]) == "00000000")
    let folder = TemporaryFolder()
    let path = try Samples.directory(folder, steps: []).save(Samples.checkpoint(step: 7))
    let manifest = try Manifest(readingFrom: path)
    #expect(manifest.files.keys.sorted() == Samples.files)
    for (name, file) in manifest.files { #expect(try file.size == Samples.bytes("\(path)/\(name)").count) }
  }

  @Test(
    "an error at any point leaves the checkpoints before it whole, and no rubbish",
    arguments: ["model.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json", "rename"])
  func atomic(stage: String) throws {
    let folder = TemporaryFolder()
    var directory = try Samples.directory(folder, steps: [10, 20])
    let before = Samples.names(folder.path)
    directory.willWrite = { if $0 == stage { throw TrainingError(.storage, "the disk is full at \($0)") } }
    #expect(throws: TrainingError(.storage, "the disk is full at \(stage)")) { try directory.save(Samples.checkpoint(step: 30)) }
    #expect(Samples.names(folder.path) == before)
    #expect(try directory.load(.latest)?.checkpoint.state.step == 20)
    directory.willWrite = { _ in }
    try directory.save(Samples.checkpoint(step: 30))
    #expect(try directory.load(.latest)?.checkpoint.state.step == 30)
  }

  @Test("a checkpoint is complete before the hint to it is written")
  func hintIsLast() throws {
    let folder = TemporaryFolder()
    var directory = try Samples.directory(folder, steps: [10])
    directory.willWrite = { if $0 == "latest" { throw TrainingError(.storage, "no") } }
    #expect(throws: TrainingError.self) { try directory.save(Samples.checkpoint(step: 20)) }
    #expect(try Samples.bytes("\(folder.path)/latest") == Array("step-000000010\n".utf8))
    #expect(try directory.load(.latest)?.checkpoint.state.step == 20)
  }

  @Test("what a killed run left unfinished is never read, and removed by the next")
  func leftovers() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10])
    for name in [".tmp-step-000000020", ".trash-step-000000005"] {
      try FileManager.default.copyItem(atPath: "\(folder.path)/step-000000010", toPath: "\(folder.path)/\(name)")
    }
    try FileManager.default.removeItem(atPath: "\(folder.path)/.tmp-step-000000020/MANIFEST.json")
    #expect(try directory.load(.latest)?.checkpoint.state.step == 10)
    try directory.prepare()
    #expect(Samples.names(folder.path) == ["latest", "step-000000010"])
  }

  @Test("a checkpoint of a step that is there already replaces it")
  func replaces() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    try Samples.Damage.oneBitFlipped.happen(to: "\(folder.path)/step-000000020/model.safetensors")
    try directory.save(Samples.checkpoint(step: 20))
    #expect(try directory.load(.latest)?.checkpoint.state.step == 20)
    #expect(Samples.names(folder.path) == ["latest", "step-000000010", "step-000000020"])
  }

  @Test("the newest stay, and the best", arguments: [1, 2, 3])
  func keeps(count: Int) throws {
    let folder = TemporaryFolder()
    let directory = CheckpointDirectory(folder.path, keepLast: count)
    try directory.prepare()
    let best = TrainingState.Best(step: 2, top1: 0.9)
    for step in 1...8 { try directory.save(Samples.checkpoint(step: step, best: step < 2 ? nil : best)) }
    let newest = (8 - count + 1...8).map { CheckpointDirectory.name(ofStep: $0) }
    #expect(Samples.names(folder.path).filter { $0.hasPrefix("step-") } == ["step-000000002"] + newest)
    #expect(try directory.load(.best)?.checkpoint.state.step == 2)
    #expect(try Samples.bytes("\(folder.path)/latest") == Array("step-000000008\n".utf8))
  }

  @Test("those at the end of every K-th epoch stay for good")
  func keepsEpochs() throws {
    let folder = TemporaryFolder()
    let directory = CheckpointDirectory(folder.path, keepLast: 1, keepEveryEpochs: 2)
    try directory.prepare()
    // Two checkpoints an epoch, the second one at its end.
    for step in 1...9 {
      var checkpoint = Samples.checkpoint(step: step)
      (checkpoint.state.epoch, checkpoint.state.position) = (step / 2, step % 2 * 64)
      try directory.save(checkpoint)
    }
    #expect(try directory.candidates == [9, 8, 4].map { CheckpointDirectory.name(ofStep: $0) })
  }

  @Test("the one just written stays, whatever else there is")
  func keepsWhatItWrote() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20, 30], keepLast: 3)
    try directory.save(Samples.checkpoint(step: 5))
    #expect(try directory.candidates == [30, 20, 10, 5].map { CheckpointDirectory.name(ofStep: $0) })
  }

  @Test("a full disk gets room from the oldest that nobody needs, never from the newest valid one or the best")
  func makesRoom() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20, 30, 40], keepLast: 4)
    try Samples.Damage.oneBitFlipped.happen(to: "\(folder.path)/step-000000040/state.json")
    func left() throws -> [Int] { try directory.candidates.compactMap(CheckpointDirectory.step) }
    let best = TrainingState.Best(step: 10, top1: 1)
    #expect(try directory.makeRoom(best: best))
    #expect(try left() == [40, 30, 10])
    #expect(try directory.makeRoom(best: best))
    #expect(try left() == [30, 10], "the damaged one goes before the newest valid one")
    #expect(try !directory.makeRoom(best: best))
    #expect(try left() == [30, 10])
  }

  @Test("what is being written or removed belongs to a process; it is garbage when that is gone")
  func owners() throws {
    let (own, other) = (OwnedName.make(.temporary, of: "step-000000007"), OwnedName.make(.trash, of: "latest"))
    #expect(own != OwnedName.make(.temporary, of: "step-000000007") && own.hasPrefix(".tmp-step-000000007-") && other.hasPrefix(".trash-latest-"))
    #expect(OwnedName.isAbandoned(own) && OwnedName.isAbandoned(".tmp-x") && OwnedName.isAbandoned(".trash-a-elsewhere-1-ff"))
    // Process 1 lives as long as the machine.
    #expect(!OwnedName.isAbandoned(".tmp-a-\(OwnedName.host)-1-ff"))
    for name in ["step-000000007", "latest", "run.json", ".tmpfile"] { #expect(!OwnedName.isAbandoned(name)) }
  }

  @Test("a folder that cannot be made or written is an error that names it")
  func unwritable() throws {
    let folder = TemporaryFolder()
    try Samples.write([1], folder.path)
    for path in [folder.path, "\(folder.path)/run"] {
      #expect { try CheckpointDirectory(path).prepare() } throws: { error in
        (error as? TrainingError)?.kind == .storage && "\(error)".contains(path)
      }
    }
    #expect { try CheckpointDirectory("/proc/none").prepare() } throws: { ($0 as? TrainingError)?.kind == .storage }
  }
}
