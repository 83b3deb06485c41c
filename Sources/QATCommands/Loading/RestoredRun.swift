import Foundation
import QAT

/// A run's network at one of its checkpoints.
struct RestoredRun {
  /// What the run was started with.
  let record: RunRecord
  /// The checkpoint, and its folder.
  let loaded: CheckpointDirectory.Loaded
  /// The network with its trained values, without quantizers.
  let float: Graph
  /// The network with its trained values, with the quantizers that the run had at work.
  let trained: Graph
  /// The quantizers; nil for an fp32 network.
  var setup: QuantizerSetup? { controller?.setup }
  private let controller: CompressionController?

  /// Reads a checkpoint.
  /// - Parameters:
  ///   - place: the folder of a run, which stands for its newest valid checkpoint, or of a checkpoint, or a run's `latest` or `best`.
  ///   - warn: receives one sentence about each newer checkpoint that was passed over.
  /// - Throws: `TrainingError` when there is none that can be read; `CommandError` when it does not go with the run's model.
  init(_ place: String, warn: (String) -> Void = { _ in }) throws {
    let run = CheckpointDirectory.run(containing: place)
    record = try run.record()
    guard let found = try run.load(.path(place), warn: warn) else { throw CommandError(.checkpoint, "\(place) holds no checkpoint") }
    loaded = found
    var float = try ONNXFile.read(contentsOf: run.modelPath)
    var trained = float
    var controller: CompressionController?
    if let compression = found.checkpoint.state.compression {
      controller = try createCompressedModel(
        float, record.configuration.nncf, calibration: nil, communicator: SingleProcess(), compressionState: compression)
      trained = controller?.graph ?? trained
    }
    for (name, tensor) in found.checkpoint.model {
      guard trained.constants[name]?.tensor.shape == tensor.shape else {
        throw CommandError(.mismatch, "the checkpoint \(found.path) holds the tensor '\(name)' \(tensor.shape), which \(run.modelPath) does not have")
      }
      trained.constants[name]?.tensor = tensor
      float.constants[name]?.tensor = tensor
    }
    self.float = float
    self.trained = try controller?.activeGraph(trained) ?? trained
    self.controller = controller
  }

  /// What a file of the network says of itself.
  var metadata: [String: String] { ModelMetadata.strings(record.configuration.data.preprocessing, controller) }

  /// Whether a model's name is that of a run or a checkpoint.
  static func isPlace(_ name: String) -> Bool {
    !architectureNames.contains(name) && FileManager.default.fileExists(atPath: "\(CheckpointDirectory.run(containing: name).path)/run.json")
  }
}
