import Foundation
import QATCommunication
import Testing

@testable import QATTraining

@Suite("Reading checkpoints")
struct CheckpointLoadTests {
  typealias Samples = CheckpointSamples

  @Test("what was saved is read back, by every way to ask for it")
  func roundTrip() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    let best = Samples.checkpoint(step: 30, best: .init(step: 30, top1: 0.75))
    let path = try directory.save(best)
    #expect(path == "\(folder.path)/step-000000030")
    for choice in [CheckpointDirectory.Choice.auto, .latest, .best, .path(path), .path(path + "/"), .path(folder.path)] {
      let found = try #require(try directory.load(choice, identity: Samples.identity))
      #expect(found.path == path)
      #expect(found.checkpoint.model == best.model && found.checkpoint.optimizer == best.optimizer && found.checkpoint.state == best.state)
    }
    let shared = try directory.load(.latest, identity: Samples.identity, communicator: SingleProcess())
    #expect(shared?.checkpoint.state == best.state)
  }

  @Test("what --resume says", arguments: [("auto", CheckpointDirectory.Choice.auto), ("latest", .latest), ("best", .best), ("a/b", .path("a/b"))])
  func choices(text: String, expected: CheckpointDirectory.Choice) { #expect(CheckpointDirectory.Choice(text) == expected) }

  @Test("a damaged file makes the run fall back to the checkpoint before, and say so", arguments: Samples.files, Samples.Damage.allCases)
  func damage(file: String, damage: Samples.Damage) throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    try damage.happen(to: "\(folder.path)/step-000000020/\(file)")
    var warnings: [String] = []
    let found = try #require(try directory.load(.auto, identity: Samples.identity) { warnings.append($0) })
    #expect(found.checkpoint.state.step == 10)
    #expect(warnings.count == 1 && warnings[0].contains("step-000000020") && warnings[0].contains(file))
    // Asked for by name, it is not replaced by another.
    #expect { try directory.load(.path("\(folder.path)/step-000000020")) } throws: { ($0 as? TrainingError)?.kind == .checkpoint }
  }

  @Test("a checkpoint without a whole manifest is none", arguments: [Samples.Damage.removed, .emptied, .cutByOneByte])
  func manifest(damage: Samples.Damage) throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    try damage.happen(to: "\(folder.path)/step-000000020/MANIFEST.json")
    #expect(try directory.load(.latest)?.checkpoint.state.step == 10)
  }

  @Test("a manifest of another program or version, or of another step, is refused")
  func foreignManifest() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    let path = "\(folder.path)/step-000000020/MANIFEST.json"
    let text = String(decoding: try Samples.bytes(path), as: UTF8.self)
    for (old, new, complaint) in [
      ("swift-qat checkpoint", "somebody's archive", "is not the manifest"), ("\"version\" : 2", "\"version\" : 3", "has version 3"),
      ("\"step\" : 20", "\"step\" : 21", "its checksum"),
    ] {
      #expect(text.contains(old))
      try Samples.write(Array(text.replacingOccurrences(of: old, with: new).utf8), path)
      var warnings: [String] = []
      #expect(try directory.load(.latest) { warnings.append($0) }?.checkpoint.state.step == 10)
      #expect(warnings.count == 1 && warnings[0].contains(complaint), "\(warnings)")
    }
  }

  @Test("when none is valid the run does not begin anew")
  func noneValid() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10, 20])
    for name in try directory.candidates { try Samples.Damage.oneBitFlipped.happen(to: "\(folder.path)/\(name)/model.safetensors") }
    for choice in [CheckpointDirectory.Choice.auto, .latest] {
      #expect { try directory.load(choice) } throws: { error in
        let text = "\(error)"
        return (error as? TrainingError)?.kind == .checkpoint && text.contains("none is valid") && text.contains("step-000000010")
          && text.contains("step-000000020")
      }
    }
  }

  @Test("an empty folder begins a run for auto and is an error for the others")
  func empty() throws {
    let folder = TemporaryFolder()
    let directory = CheckpointDirectory(folder.path)
    #expect(try directory.load(.auto) == nil)
    try directory.prepare()
    #expect(try directory.load(.auto) == nil)
    for choice in [CheckpointDirectory.Choice.latest, .best, .path(folder.path), .path("\(folder.path)/nowhere")] {
      #expect { try directory.load(choice) } throws: { ($0 as? TrainingError)?.kind == .checkpoint }
    }
  }

  @Test("a checkpoint of another model, configuration or data is refused by name, not passed over")
  func identity() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10])
    for (key, what) in [(\RunIdentity.model, "the model"), (\.data, "the training data")] {
      var other = Samples.identity
      other[keyPath: key] = "1111111111111111"
      #expect { try directory.load(.auto, identity: other, allowing: Set(AllowedChange.allCases)) } throws: { error in
        let text = "\(error)"
        return (error as? TrainingError)?.kind == .mismatch && text.contains(what) && text.contains("1111111111111111")
          && text.contains(Samples.identity[keyPath: key])
      }
    }
  }

  @Test("other validation data is named with both values, and may be allowed")
  func validationData() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10])
    var other = Samples.identity
    other.validation = "1111111111111111"
    #expect { try directory.load(.auto, identity: other) } throws: { error in
      "\(error)".contains("the validation data is 1111111111111111, the checkpoint's is 00000000000000dd")
        && "\(error)".contains("say --allow validation_data to change that on purpose")
    }
    #expect(try directory.load(.auto, identity: other, allowing: [.validationData])?.checkpoint.state.step == 10)
  }

  @Test("every setting that differs is named with both values, and what may be allowed")
  func settings() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [10])
    var other = Samples.identity
    other.settings = ["seed": "2", "optimizer.base_lr": "0.01", "optimizer.type": "\"SGD\"", "label_smoothing": "0.1"]
    #expect { try directory.load(.auto, identity: other) } throws: { error in
      let text = "\(error)"
      return (error as? TrainingError)?.kind == .mismatch && text.contains("seed is 2, the checkpoint has 1")
        && text.contains("optimizer.base_lr is 0.01, the checkpoint has 0.05") && text.contains("label_smoothing is 0.1, the checkpoint has none")
        && !text.contains("optimizer.type") && text.contains("--allow label_smoothing,learning_rate")
    }
    other.settings["seed"] = "1"
    #expect { try directory.load(.auto, identity: other, allowing: [.learningRate]) } throws: { error in
      !"\(error)".contains("base_lr") && "\(error)".contains("label_smoothing")
    }
    #expect(try directory.load(.auto, identity: other, allowing: [.learningRate, .labelSmoothing])?.checkpoint.state.step == 10)
  }

  @Test(
    "a state that says what cannot be is refused, however whole its file is",
    arguments: [
      "\"step\" : -10", "\"position\" : -1", "\"epoch\" : 99999999999", "\"optimizerStep\" : 11", "\"globalBatchSize\" : 0", "\"formatVersion\" : 1",
    ])
  func impossibleState(text: String) throws {
    let bytes = [UInt8](try JSONEncoder().encode(Samples.checkpoint(step: 10).state))
    let key = try #require(text.split(separator: " ").first)
    let json = String(decoding: bytes, as: UTF8.self)
    let range = try #require(json.range(of: "\(key):[0-9]+", options: .regularExpression))
    let changed = Array(json.replacingCharacters(in: range, with: text.replacingOccurrences(of: " ", with: "")).utf8)
    #expect(throws: TrainingError.self) { try TrainingState(json: changed, file: "state.json") }
    #expect(try TrainingState(json: bytes, file: "state.json").step == 10)
  }

  @Test("the newest is the one with the highest step, whatever the hint says and however long its number")
  func order() throws {
    let folder = TemporaryFolder()
    let directory = try Samples.directory(folder, steps: [5, 999_999_999, 1_000_000_000])
    #expect(try directory.candidates == ["step-1000000000", "step-999999999", "step-000000005"])
    try Samples.write(Array("step-000000005\n".utf8), "\(folder.path)/latest")
    #expect(try directory.load(.latest)?.checkpoint.state.step == 1_000_000_000)
    try FileManager.default.removeItem(atPath: "\(folder.path)/latest")
    #expect(try directory.load(.latest)?.checkpoint.state.step == 1_000_000_000)
  }

  @Test(
    "folders of other names are not taken for checkpoints", arguments: ["step-", "step-12", "step-00000000x", "step--00000001", "xstep-000000001"])
  func otherNames(name: String) { #expect(CheckpointDirectory.step(of: name) == nil) }
}
