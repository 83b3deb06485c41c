import QATQuantization
import QATTensor

extension Checkpoint {
  /// A checkpoint of a loop written by hand: what such a loop saves and restores, beside the user's own objects.
  /// - Parameters:
  ///   - stateDictionary: the model's parameters and statistics by name.
  ///   - compressionState: the controller's state; nil for an fp32 network.
  ///   - optimizer: the optimizer's state dictionary.
  ///   - objects: the user's own objects by name.
  /// - Throws: `EncodingError` when an object cannot be written as JSON.
  public init(
    stateDictionary: [String: Tensor], compressionState: CompressionState? = nil, optimizer: [String: Tensor] = [:],
    objects: [String: any Encodable & Sendable] = [:]
  ) throws {
    let scheduler = compressionState?.scheduler ?? .init()
    let steps = max(0, scheduler.currentStep + 1)
    let state = TrainingState(
      step: steps, epoch: max(0, scheduler.currentEpoch), position: 0, seed: 0, globalBatchSize: 1, optimizerStep: 0, compression: compressionState,
      identity: RunIdentity(model: "of a loop written by hand", settings: [:], data: "of a loop written by hand"))
    self.init(model: stateDictionary, optimizer: optimizer, state: state, objects: try CheckpointObjects(objects))
  }

  /// The model's parameters and statistics by name.
  public var stateDictionary: [String: Tensor] { model }

  /// The controller's state; nil for an fp32 network. With it, `createCompressedModel` makes the quantized network without data.
  public var compressionState: CompressionState? { state.compression }

  /// Writes the checkpoint as a folder: all of it is there when this returns, and what was there before stays until then. One rank writes.
  /// - Parameter folder: the folder, which becomes the checkpoint's own.
  /// - Throws: `TrainingError` naming the file and the system's reason.
  public func save(to folder: String) throws { try CheckpointDirectory.save(self, at: folder) }

  /// Reads a checkpoint's folder, also one that a run has written.
  /// - Parameter folder: the folder of a checkpoint; or of a run, whose newest valid one it then is; or a run's `latest` or `best`.
  /// - Returns: the checkpoint.
  /// - Throws: `TrainingError` saying what is wrong with it.
  public static func restore(from folder: String) throws -> Checkpoint {
    guard let loaded = try CheckpointDirectory(folder).load(.path(folder)) else {
      throw TrainingError(.checkpoint, "\(folder) holds no checkpoint")
    }
    return loaded.checkpoint
  }
}
