import Foundation
import QATCommunication
import QATTensor

@testable import QATTraining

/// Checkpoints of a made-up run, and the damage that can be done to them.
enum CheckpointSamples {
  static let identity = RunIdentity(
    model: "00000000000000aa", settings: ["seed": "1", "optimizer.base_lr": "0.05", "optimizer.type": "\"SGD\""], data: "00000000000000cc",
    validation: "00000000000000dd")

  static func checkpoint(step: Int, best: TrainingState.Best? = nil, identity: RunIdentity = identity) -> Checkpoint {
    Checkpoint(
      model: ["weight": Tensor([Float(step), 2, 3, 4], shape: [2, 2]), "mean": Tensor([Float(0.5)], shape: [1])],
      optimizer: ["weight.momentum_buffer": Tensor([1, 2, 3, Float(step)], shape: [2, 2])],
      state: TrainingState(
        step: step, epoch: 1, position: 64, seed: 9, globalBatchSize: 32, optimizerStep: step, compression: nil, best: best, identity: identity))
  }

  /// A run's folder with checkpoints of these steps.
  static func directory(_ folder: TemporaryFolder, steps: [Int], keepLast: Int = 3) throws -> CheckpointDirectory {
    let directory = CheckpointDirectory(folder.path, keepLast: keepLast)
    try directory.prepare()
    for step in steps { try directory.save(checkpoint(step: step)) }
    return directory
  }

  static func names(_ folder: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  static func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  /// What happens to a file.
  enum Damage: String, CaseIterable, Sendable {
    case removed, emptied, cutByOneByte, grownByOneByte, oneBitFlipped

    func happen(to path: String) throws {
      var bytes = try CheckpointSamples.bytes(path)
      switch self {
      case .removed:
        try FileManager.default.removeItem(atPath: path)
        return
      case .emptied: bytes = []
      case .cutByOneByte: bytes.removeLast()
      case .grownByOneByte: bytes.append(32)
      case .oneBitFlipped: bytes[bytes.count / 2] ^= 1
      }
      try CheckpointSamples.write(bytes, path)
    }
  }

  static let files = ["model.safetensors", "optimizer.safetensors", "state.json"]
}
